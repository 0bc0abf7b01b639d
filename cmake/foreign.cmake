# Read by cpack before it packs for another architecture: dpkg-shlibdeps looks for that one's libraries.
set(ENV{DEB_HOST_ARCH} ${CPACK_DEBIAN_PACKAGE_ARCHITECTURE})
