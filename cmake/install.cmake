# `cmake --install` installs the program, its pages, completions, service, documentation and licence.
include(GNUInstallDirs)

# Debian's zsh looks into share/zsh/vendor-completions, everybody else's into site-functions.
set(LANDWAITER_ZSH_DIR ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING "where zsh's completion goes")
# systemd reads these below /usr and /usr/local alike; they are never in lib/ARCHITECTURE or lib64.
set(LANDWAITER_SYSTEMD_DIR lib/systemd/system CACHE STRING "where the unit goes")

configure_file(contrib/systemd/landwaiter.service.in landwaiter.service @ONLY)

install(TARGETS landwaiter RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

file(GLOB pages CONFIGURE_DEPENDS docs/man/*.1)
install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/man/landwaiter.yaml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)

install(FILES contrib/completions/landwaiter.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME landwaiter)
install(FILES contrib/completions/landwaiter.zsh DESTINATION ${LANDWAITER_ZSH_DIR} RENAME _landwaiter)
install(FILES contrib/completions/landwaiter.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

install(FILES ${CMAKE_CURRENT_BINARY_DIR}/landwaiter.service DESTINATION ${LANDWAITER_SYSTEMD_DIR})
install(FILES contrib/systemd/landwaiter.sysusers DESTINATION lib/sysusers.d RENAME landwaiter.conf)
install(FILES contrib/systemd/landwaiter.tmpfiles DESTINATION lib/tmpfiles.d RENAME landwaiter.conf)

# The specifications stay in the repository.
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR}
        FILES_MATCHING PATTERN "*.md" PATTERN man EXCLUDE PATTERN spec EXCLUDE)
install(FILES contrib/compose/landwaiter.yaml contrib/compose/compose.yaml
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
