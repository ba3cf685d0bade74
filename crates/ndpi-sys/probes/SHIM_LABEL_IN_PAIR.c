/* Compiles if `ndpi_protocol` holds the two numbers of a label in a struct, not in two members. */

#include <ndpi_api.h>

int probe(ndpi_protocol p) {
  return p.proto.app_protocol;
}
