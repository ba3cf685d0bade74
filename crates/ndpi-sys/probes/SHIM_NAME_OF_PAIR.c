/* Compiles if `ndpi_protocol2name` takes only that struct. */

#include <ndpi_api.h>

char *probe(ndpi_master_app_protocol p, char *b) {
  return ndpi_protocol2name(0, p, b, 1);
}
