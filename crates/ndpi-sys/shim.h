/*
 * Interface between Rust and nDPI: opaque objects and plain structs, without macros and
 * bit-fields. `src/lib.rs` declares the same by hand; change both together.
 *
 * No function takes a lock. Modules must not be created or freed in parallel, and only one
 * thread may use a module at a time.
 */

#ifndef NDPI_SHIM_H
#define NDPI_SHIM_H

#include <stddef.h>
#include <stdint.h>

typedef struct ndpi_shim_module ndpi_shim_module;
typedef struct ndpi_shim_flow ndpi_shim_flow;

/* Current label of a flow. */
typedef struct {
  uint16_t master;
  uint16_t app;
  uint16_t category;
  uint8_t confidence;
  uint8_t guessed;
  uint8_t wants_more; /* another packet can still change the label or add metadata */
  int64_t allocated;  /* most bytes that the packet can have added to the memory of the flow */
} ndpi_shim_label;

/* Borrowed bytes without a terminator; `data` is NULL if there are none. */
typedef struct {
  const uint8_t *data;
  size_t len;
} ndpi_shim_text;

/* Family of protocols that owns the per-protocol union of the flow. */
enum {
  NDPI_SHIM_FAMILY_OTHER = 0,
  NDPI_SHIM_FAMILY_TLS = 1, /* TLS, DTLS, QUIC and mail over TLS */
  NDPI_SHIM_FAMILY_DNS = 2,
  NDPI_SHIM_FAMILY_SSH = 3,
  NDPI_SHIM_FAMILY_DHCP = 4,
};

/* Points into the flow: valid until the next use of the flow. */
typedef struct {
  ndpi_shim_text host;
  ndpi_shim_text http_method;
  ndpi_shim_text http_url;
  ndpi_shim_text http_user_agent;
  ndpi_shim_text http_detected_os;
  ndpi_shim_text http_request_content_type;
  ndpi_shim_text http_content_type;
  ndpi_shim_text tls_server_names;
  ndpi_shim_text tls_ja3_client;
  ndpi_shim_text tls_ja3_server;
  ndpi_shim_text tls_ja4_client;
  ndpi_shim_text tls_alpn;
  ndpi_shim_text tls_supported_versions;
  ndpi_shim_text tls_issuer;
  ndpi_shim_text tls_subject;
  ndpi_shim_text tls_esni;
  ndpi_shim_text tls_sha1; /* 20 raw bytes */
  ndpi_shim_text ssh_client_signature;
  ndpi_shim_text ssh_server_signature;
  ndpi_shim_text ssh_hassh_client;
  ndpi_shim_text ssh_hassh_server;
  ndpi_shim_text dhcp_fingerprint;
  ndpi_shim_text dhcp_class_ident;
  uint64_t risk;
  uint16_t http_status;
  uint16_t tls_version;
  uint16_t tls_server_cipher;
  uint16_t dns_query_type;
  uint8_t dns_reply_code;
  uint8_t dns_answers;
  uint8_t family;
} ndpi_shim_metadata;

/* Version of this interface. Raise it with every change of a function or struct. */
#define NDPI_SHIM_ABI 1

/* Library. */
unsigned ndpi_shim_abi(void);
const char *ndpi_shim_version(void);
int ndpi_shim_headers_match(void);
size_t ndpi_shim_flow_size(void);

/* Module. A new one only has names, and must be finished before any other use. */
ndpi_shim_module *ndpi_shim_module_new(void);
int ndpi_shim_module_finish(ndpi_shim_module *module, const uint16_t *excluded, size_t count);
void ndpi_shim_module_free(ndpi_shim_module *module);
int ndpi_shim_module_reset(ndpi_shim_module *module);

/* Names: static or owned by the module. Copy them: the next call may overwrite them. */
unsigned ndpi_shim_protocol_count(ndpi_shim_module *module);
unsigned ndpi_shim_category_count(void);
unsigned ndpi_shim_confidence_count(void);
unsigned ndpi_shim_risk_count(void);
const char *ndpi_shim_protocol_name(ndpi_shim_module *module, uint16_t protocol);
const char *ndpi_shim_category_name(ndpi_shim_module *module, uint16_t category);
const char *ndpi_shim_confidence_name(uint8_t confidence);
const char *ndpi_shim_risk_name(uint8_t risk);
void ndpi_shim_application_name(ndpi_shim_module *module, uint16_t master, uint16_t app,
                                char *name, unsigned size);

/* Flow. */
ndpi_shim_flow *ndpi_shim_flow_new(void);
void ndpi_shim_flow_free(ndpi_shim_flow *flow);
void ndpi_shim_flow_reset(ndpi_shim_flow *flow);
void ndpi_shim_flow_metadata(const ndpi_shim_flow *flow, ndpi_shim_metadata *metadata);

/* Dissection. */
void ndpi_shim_inspect(ndpi_shim_module *module, ndpi_shim_flow *flow, const uint8_t *ip_packet,
                       uint16_t len, uint64_t time_ms, ndpi_shim_label *label);
void ndpi_shim_give_up(ndpi_shim_module *module, ndpi_shim_flow *flow, ndpi_shim_label *label);

#endif
