# Cross-builds with Debian's compilers and multiarch libraries; included by the file of an architecture, which sets
# CMAKE_SYSTEM_PROCESSOR and triplet.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_STRIP ${triplet}-strip)
# pkg-config is this machine's own and would name this machine's libraries.
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/${triplet}/pkgconfig:/usr/share/pkgconfig)
