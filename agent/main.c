/* The program's entry; agent/cli/ has the rest. */
#include "agent/cli/cli.h"

int main(int argc, char **argv) {
    return cli_main(argc, argv);
}
