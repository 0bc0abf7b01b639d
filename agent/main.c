/* The program's entry. Everything else is in agent/cli/. */
#include "agent/cli/cli.h"

int main(int argc, char **argv) {
    return cli_main(argc, argv);
}
