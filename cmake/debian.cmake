# Run by cpack between the installation and the packing: adapts the files to Debian's policy.
set(doc ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/doc/landwaiter)
set(man ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/man)

file(REMOVE ${doc}/LICENSE) # the copyright file names its place on every Debian system
file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC) # of SOURCE_DATE_EPOCH, where that is set
configure_file(${CPACK_LANDWAITER_DEBIAN}/changelog.in ${doc}/changelog.Debian @ONLY)
file(COPY ${CPACK_LANDWAITER_DEBIAN}/copyright DESTINATION ${doc})
file(GLOB pages ${man}/man1/* ${man}/man5/*)
execute_process(COMMAND gzip -9n ${doc}/changelog ${doc}/changelog.Debian ${pages} COMMAND_ERROR_IS_FATAL ANY)
