# The Debian package: `cpack -G DEB` in a build directory that was configured with -DCMAKE_INSTALL_PREFIX=/usr.
# contrib/package does both. The package's own files beside the installed ones are in contrib/debian.
set(debian ${CMAKE_CURRENT_SOURCE_DIR}/contrib/debian)

# The suite of the build: each has other libraries. A newer suite's version is the higher one.
set(suite)
if(EXISTS /etc/os-release)
  file(STRINGS /etc/os-release release REGEX "^(ID|VERSION_ID)=")
  string(REGEX MATCH "(^|;)ID=\"?([a-z]+)" match "${release}")
  set(system "${CMAKE_MATCH_2}")
  string(REGEX MATCH "VERSION_ID=\"?([0-9.]+)" match "${release}")
  set(system_version "${CMAKE_MATCH_1}")
endif()
if(system STREQUAL "debian" AND system_version)
  set(suite +deb${system_version})
elseif(system AND system_version)
  set(suite +${system}${system_version})
endif()

# Old names of time zones, such as US/Eastern, are in a package of their own since Debian 13 and Ubuntu 24.04.
set(zones tzdata)
if(NOT (system STREQUAL "debian" AND system_version AND system_version VERSION_LESS 13))
  set(zones "tzdata, tzdata-legacy")
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME landwaiter)
set(CPACK_PACKAGE_VENDOR Landwaiter)
set(CPACK_PACKAGE_CONTACT "Landwaiter maintainers <maintainers@landwaiter.dev>")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "push-based updates of containers, with rollback")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "\
CI jobs and registries tell Landwaiter of image pushes. It proves who they
are, holds the image against the registry, waits for the maintenance window,
replaces the container or the workload, watches that it stands, and puts the
old one back when it does not. Nothing polls, and nothing is exposed but one
authenticated hook.
.
This package has the agent, as a service that starts once it is configured,
and the command that a CI job calls.")
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1${suite})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS passwd)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, ${zones}")
# Suggested only: the engine may have no package, or be a cluster's elsewhere.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "docker.io | docker-ce | podman")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/postinst ${debian}/prerm ${debian}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                                                WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/cmake/debian.cmake)
set(CPACK_LANDWAITER_DEBIAN ${debian})
if(CMAKE_CROSSCOMPILING)
  string(REGEX REPLACE "^aarch64$" "arm64" CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${CMAKE_SYSTEM_PROCESSOR})
  string(REGEX REPLACE "^arm(v7l?)?$" "armhf" CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${CPACK_DEBIAN_PACKAGE_ARCHITECTURE})
  set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_SOURCE_DIR}/cmake/foreign.cmake)
endif()
include(CPack)
