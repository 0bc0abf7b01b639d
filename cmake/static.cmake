# For LANDWAITER_STATIC: links the libraries of pkg-config from Debian's archives; the linker takes only the used parts.
# docs/rooms/contrib.md has the reasons and the sizes. Debian has no archive of p11-kit; the C library stays shared.

# Each needs some of those behind it.
set(names curl cjose microhttpd gnutls hogweed nettle gmp tasn1 idn2 unistring ssl crypto jansson yaml sqlite3 pcre2-8
          seccomp zstd z)
set(archives "")
foreach(name ${names})
  find_library(ARCHIVE_${name} NAMES lib${name}.a HINTS ${CURL_LIBRARY_DIRS} REQUIRED)
  list(APPEND archives ${ARCHIVE_${name}})
endforeach()
# webhook/intercept.c defines gnutls_record_recv for libmicrohttpd.
execute_process(COMMAND ${CMAKE_SOURCE_DIR}/contrib/archives-apart ${CMAKE_BINARY_DIR}/archives ${CMAKE_NM}
                        ${CMAKE_OBJCOPY} gnutls_record_recv ${archives}
                OUTPUT_VARIABLE archives RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE)
if(failed)
  message(FATAL_ERROR "the archives cannot be linked together")
endif()
string(REPLACE "\n" ";" archives "${archives}")

foreach(library CURL CRYPTO JANSSON YAML SQLITE MHD GNUTLS CJOSE PCRE2 SECCOMP)
  set_target_properties(PkgConfig::${library} PROPERTIES INTERFACE_LINK_LIBRARIES "${archives};-lp11-kit;-lm")
endforeach()
add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections)
