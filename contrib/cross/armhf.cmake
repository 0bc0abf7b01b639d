# For 32-bit ARM with floating point (ARMv7: a Raspberry Pi 2 or newer) on another machine, in the project's folder:
#   contrib/install-deps --architecture armhf build
#   cmake -S . -B build-armhf -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_TOOLCHAIN_FILE=contrib/cross/armhf.cmake
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(triplet arm-linux-gnueabihf)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
