/*
 * C side of the interface to nDPI. Hides the differences between versions of nDPI, its macros
 * and its bit-fields behind the declarations in shim.h.
 */

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__APPLE__)
#include <malloc/malloc.h>
#define SIZE_OF_MEMORY(memory) malloc_size(memory)
#elif defined(__FreeBSD__)
#include <malloc_np.h>
#define SIZE_OF_MEMORY(memory) malloc_usable_size(memory)
#else
#include <malloc.h>
#define SIZE_OF_MEMORY(memory) malloc_usable_size(memory)
#endif

/* Exposes the module's struct, which `module_reset` needs, in headers that have it. */
#define NDPI_LIB_COMPILATION
#include <ndpi_api.h>

#include "shim.h"

#define NDPI_AT_LEAST(major, minor) \
  (NDPI_MAJOR > (major) || (NDPI_MAJOR == (major) && NDPI_MINOR >= (minor)))

#if !NDPI_AT_LEAST(4, 2)
#error "nfstream needs nDPI 4.2 or newer"
#endif
#if NDPI_AT_LEAST(6, 0) && !defined(NFSTREAM_NDPI_LICENSE_CHOSEN)
#error "parts of nDPI 6 have a second licence: set NDPI_LICENSE to the licence that you have chosen"
#endif

/* Limit for strings of unknown length, the longest of which are certificate names. */
#define LONGEST_TEXT 8192
/* The same for those of HTTP, which nDPI copies whole from the packet. */
#define LONGEST_HTTP_TEXT 1024

static struct ndpi_detection_module_struct *ndpi_module(ndpi_shim_module *module) {
  return (struct ndpi_detection_module_struct *)module;
}

static struct ndpi_flow_struct *ndpi_flow(ndpi_shim_flow *flow) {
  return (struct ndpi_flow_struct *)flow;
}

/* ---- library ---- */

unsigned ndpi_shim_abi(void) {
  return NDPI_SHIM_ABI;
}

const char *ndpi_shim_version(void) {
  return ndpi_revision();
}

/* The structs of another build may have another layout, which would corrupt memory. */
int ndpi_shim_headers_match(void) {
  return ndpi_detection_get_sizeof_ndpi_flow_struct() == sizeof(struct ndpi_flow_struct);
}

size_t ndpi_shim_flow_size(void) {
  return sizeof(struct ndpi_flow_struct);
}

/* ---- memory ---- */

#if !NDPI_AT_LEAST(5, 0)
/* Bytes that nDPI has allocated in this thread, minus those that it has freed there. */
static _Thread_local int64_t allocated;

/*
 * nDPI 4.2 does not check for failed allocations. End the process with a message, as Rust does,
 * instead of with a fault inside nDPI.
 */
static void *memory_or_end(size_t size) {
  void *memory = malloc(size);

  if (memory == NULL && size > 0) {
    fprintf(stderr, "memory allocation of %zu bytes failed in nDPI\n", size);
    abort();
  }
  allocated += (int64_t)SIZE_OF_MEMORY(memory);
  return memory;
}

static void free_memory(void *memory) {
  allocated -= (int64_t)SIZE_OF_MEMORY(memory);
  free(memory);
}

/* Set only once: threads inside nDPI may read them while another module is created. */
static void set_allocators(void) {
  static int are_set;

  if (!are_set) {
    set_ndpi_malloc(memory_or_end);
    set_ndpi_free(free_memory);
    set_ndpi_flow_malloc(memory_or_end);
    set_ndpi_flow_free(free_memory);
    are_set = 1;
  }
}
#endif

/* ---- module ---- */

ndpi_shim_module *ndpi_shim_module_new(void) {
  struct ndpi_detection_module_struct *module;

#if !NDPI_AT_LEAST(5, 0)
  set_allocators();
#endif
#if NDPI_AT_LEAST(4, 10)
  module = ndpi_init_detection_module(NULL);
#else
  module = ndpi_init_detection_module(ndpi_no_prefs);
#endif
  return (ndpi_shim_module *)module;
}

int ndpi_shim_module_finish(ndpi_shim_module *module, const uint16_t *excluded, size_t count) {
#if !NDPI_AT_LEAST(5, 0)
  NDPI_PROTOCOL_BITMASK wanted;
  size_t i;

  NDPI_BITMASK_SET_ALL(wanted);
  for (i = 0; i < count; i++)
    if (excluded[i] < NDPI_NUM_BITS)
      NDPI_BITMASK_DEL(wanted, excluded[i]);
  ndpi_set_protocol_detection_bitmask2(ndpi_module(module), &wanted);
#else
  /* All protocols are enabled unless configured otherwise. */
  (void)excluded;
  (void)count;
#endif

#if NDPI_AT_LEAST(4, 10)
  return ndpi_finalize_initialization(ndpi_module(module)) == 0;
#else
  ndpi_finalize_initialization(ndpi_module(module));
  return 1;
#endif
}

void ndpi_shim_module_free(ndpi_shim_module *module) {
  ndpi_exit_detection_module(ndpi_module(module));
}

#if NDPI_MAJOR == 4 && NDPI_MINOR == 2
static void drop_cache(struct ndpi_lru_cache **cache) {
  if (*cache != NULL)
    ndpi_lru_free_cache(*cache);
  /* nDPI recreates a missing cache on first use. */
  *cache = NULL;
}
#endif

/*
 * Clears the state that the module learnt from earlier packets. Returns 0 if that is not
 * possible and the caller must create a new module instead.
 */
int ndpi_shim_module_reset(ndpi_shim_module *module) {
#if NDPI_MAJOR == 4 && NDPI_MINOR == 2
  struct ndpi_detection_module_struct *ndpi = ndpi_module(module);

  /* The struct is private to nDPI: use it only if its size matches that of the library. No
     public function frees the tinc cache. */
  if (ndpi_get_ndpi_detection_module_size() != sizeof(*ndpi) || ndpi->tinc_cache != NULL)
    return 0;
  drop_cache(&ndpi->ookla_cache);
  drop_cache(&ndpi->bittorrent_cache);
  drop_cache(&ndpi->zoom_cache);
  drop_cache(&ndpi->stun_cache);
  drop_cache(&ndpi->tls_cert_cache);
  drop_cache(&ndpi->mining_cache);
  drop_cache(&ndpi->msteams_cache);
  ndpi->current_ts = 0;
  memset(&ndpi->packet, 0, sizeof(ndpi->packet));
  return 1;
#else
  (void)module;
  return 0;
#endif
}

/* ---- names ---- */

unsigned ndpi_shim_protocol_count(ndpi_shim_module *module) {
#if NDPI_AT_LEAST(5, 0)
  return ndpi_get_num_protocols(ndpi_module(module));
#else
  return ndpi_get_num_supported_protocols(ndpi_module(module));
#endif
}

unsigned ndpi_shim_category_count(void) {
  return NDPI_PROTOCOL_NUM_CATEGORIES;
}

unsigned ndpi_shim_confidence_count(void) {
  return NDPI_CONFIDENCE_MAX;
}

unsigned ndpi_shim_risk_count(void) {
  return NDPI_MAX_RISK;
}

const char *ndpi_shim_protocol_name(ndpi_shim_module *module, uint16_t protocol) {
  return ndpi_get_proto_name(ndpi_module(module), protocol);
}

const char *ndpi_shim_category_name(ndpi_shim_module *module, uint16_t category) {
  return ndpi_category_get_name(ndpi_module(module), (ndpi_protocol_category_t)category);
}

const char *ndpi_shim_confidence_name(uint8_t confidence) {
  return ndpi_confidence_get_name((ndpi_confidence_t)confidence);
}

const char *ndpi_shim_risk_name(uint8_t risk) {
  return ndpi_risk2str((ndpi_risk_enum)risk);
}

void ndpi_shim_application_name(ndpi_shim_module *module, uint16_t master, uint16_t app,
                                char *name, unsigned size) {
#ifdef SHIM_NAME_OF_PAIR
  ndpi_master_app_protocol protocol;
#else
  ndpi_protocol protocol;
#endif
  memset(&protocol, 0, sizeof(protocol));
#if defined(SHIM_LABEL_IN_PAIR) && !defined(SHIM_NAME_OF_PAIR)
  protocol.proto.master_protocol = master;
  protocol.proto.app_protocol = app;
#else
  protocol.master_protocol = master;
  protocol.app_protocol = app;
#endif
  ndpi_protocol2name(ndpi_module(module), protocol, name, size);
}

/* ---- flow ---- */

/* The shim allocates and frees the flow; nDPI owns only the memory that it points to. */
ndpi_shim_flow *ndpi_shim_flow_new(void) {
  return calloc(1, sizeof(struct ndpi_flow_struct));
}

void ndpi_shim_flow_free(ndpi_shim_flow *flow) {
  ndpi_free_flow_data(ndpi_flow(flow));
  free(flow);
}

void ndpi_shim_flow_reset(ndpi_shim_flow *flow) {
  ndpi_free_flow_data(ndpi_flow(flow));
  memset(flow, 0, sizeof(struct ndpi_flow_struct));
}

static ndpi_shim_text bounded(const char *text, size_t limit) {
  ndpi_shim_text found = {NULL, 0};

  if (text != NULL && text[0] != '\0') {
    const char *end = memchr(text, '\0', limit);
    found.data = (const uint8_t *)text;
    found.len = end == NULL ? limit : (size_t)(end - text);
  }
  return found;
}

#define ARRAY_TEXT(array) bounded((array), sizeof(array))
#define STRING_TEXT(string) bounded((string), LONGEST_TEXT)
#define HTTP_TEXT(string) bounded((string), LONGEST_HTTP_TEXT)

static int stack_has(const struct ndpi_flow_struct *flow, uint16_t protocol) {
#if NDPI_AT_LEAST(5, 0)
  struct ndpi_flow_struct *readable = (struct ndpi_flow_struct *)flow;
  return ndpi_get_flow_masterprotocol(readable) == protocol
         || ndpi_get_flow_appprotocol(readable) == protocol;
#else
  return flow->detected_protocol_stack[0] == protocol
         || flow->detected_protocol_stack[1] == protocol;
#endif
}

/*
 * `protos` is a union whose TLS member holds pointers. For these protocols nDPI itself frees
 * the pointers, so they are valid or NULL.
 */
static int holds_tls(const struct ndpi_flow_struct *flow) {
  return stack_has(flow, NDPI_PROTOCOL_TLS) || stack_has(flow, NDPI_PROTOCOL_QUIC)
         || stack_has(flow, NDPI_PROTOCOL_DTLS) || stack_has(flow, NDPI_PROTOCOL_MAIL_SMTPS)
         || stack_has(flow, NDPI_PROTOCOL_MAIL_IMAPS) || stack_has(flow, NDPI_PROTOCOL_MAIL_POPS);
}

static void read_tls(const struct ndpi_flow_struct *flow, ndpi_shim_metadata *metadata) {
  static const uint8_t no_certificate[20];

  metadata->family = NDPI_SHIM_FAMILY_TLS;
  metadata->tls_server_names = STRING_TEXT(flow->protos.tls_quic.server_names);
  metadata->tls_supported_versions = STRING_TEXT(flow->protos.tls_quic.tls_supported_versions);
  metadata->tls_issuer = STRING_TEXT(flow->protos.tls_quic.issuerDN);
  metadata->tls_subject = STRING_TEXT(flow->protos.tls_quic.subjectDN);
  metadata->tls_ja3_server = ARRAY_TEXT(flow->protos.tls_quic.ja3_server);
  metadata->tls_version = flow->protos.tls_quic.ssl_version;
  metadata->tls_server_cipher = flow->protos.tls_quic.server_cipher;
  if (memcmp(flow->protos.tls_quic.sha1_certificate_fingerprint, no_certificate, 20) != 0) {
    metadata->tls_sha1.data = flow->protos.tls_quic.sha1_certificate_fingerprint;
    metadata->tls_sha1.len = 20;
  }
#if NDPI_AT_LEAST(4, 6)
  metadata->tls_alpn = STRING_TEXT(flow->protos.tls_quic.advertised_alpns);
#else
  metadata->tls_alpn = STRING_TEXT(flow->protos.tls_quic.alpn);
#endif
#if NDPI_AT_LEAST(4, 10)
  metadata->tls_ja4_client = ARRAY_TEXT(flow->protos.tls_quic.ja4_client);
#endif
#if !NDPI_AT_LEAST(4, 14)
  metadata->tls_ja3_client = ARRAY_TEXT(flow->protos.tls_quic.ja3_client);
  metadata->tls_esni = STRING_TEXT(flow->protos.tls_quic.encrypted_sni.esni);
#endif
}

static void read_dns(const struct ndpi_flow_struct *flow, ndpi_shim_metadata *metadata) {
  metadata->family = NDPI_SHIM_FAMILY_DNS;
  metadata->dns_query_type = flow->protos.dns.query_type;
  metadata->dns_reply_code = flow->protos.dns.reply_code;
  metadata->dns_answers = flow->protos.dns.num_answers;
}

static void read_ssh(const struct ndpi_flow_struct *flow, ndpi_shim_metadata *metadata) {
  metadata->family = NDPI_SHIM_FAMILY_SSH;
  metadata->ssh_client_signature = ARRAY_TEXT(flow->protos.ssh.client_signature);
  metadata->ssh_server_signature = ARRAY_TEXT(flow->protos.ssh.server_signature);
  metadata->ssh_hassh_client = ARRAY_TEXT(flow->protos.ssh.hassh_client);
  metadata->ssh_hassh_server = ARRAY_TEXT(flow->protos.ssh.hassh_server);
}

static void read_dhcp(const struct ndpi_flow_struct *flow, ndpi_shim_metadata *metadata) {
  metadata->family = NDPI_SHIM_FAMILY_DHCP;
  metadata->dhcp_fingerprint = ARRAY_TEXT(flow->protos.dhcp.fingerprint);
  metadata->dhcp_class_ident = ARRAY_TEXT(flow->protos.dhcp.class_ident);
}

void ndpi_shim_flow_metadata(const ndpi_shim_flow *shim_flow, ndpi_shim_metadata *metadata) {
  const struct ndpi_flow_struct *flow = (const struct ndpi_flow_struct *)shim_flow;

  memset(metadata, 0, sizeof(*metadata));
  metadata->risk = flow->risk;
  metadata->host = ARRAY_TEXT(flow->host_server_name);
  if (flow->http.method != NDPI_HTTP_METHOD_UNKNOWN)
    metadata->http_method = STRING_TEXT(ndpi_http_method2str(flow->http.method));
  metadata->http_url = HTTP_TEXT(flow->http.url);
  metadata->http_user_agent = HTTP_TEXT(flow->http.user_agent);
  metadata->http_detected_os = HTTP_TEXT(flow->http.detected_os);
  metadata->http_request_content_type = HTTP_TEXT(flow->http.request_content_type);
  metadata->http_content_type = HTTP_TEXT(flow->http.content_type);
  metadata->http_status = flow->http.response_status_code;

  /* TLS first: a flow with its pointers must never be read as another protocol. */
  if (holds_tls(flow))
    read_tls(flow, metadata);
  else if (stack_has(flow, NDPI_PROTOCOL_DNS) || stack_has(flow, NDPI_PROTOCOL_MDNS)
           || stack_has(flow, NDPI_PROTOCOL_LLMNR))
    read_dns(flow, metadata);
  else if (stack_has(flow, NDPI_PROTOCOL_SSH))
    read_ssh(flow, metadata);
  else if (stack_has(flow, NDPI_PROTOCOL_DHCP))
    read_dhcp(flow, metadata);
}

/* ---- dissection ---- */

static void fill_label(ndpi_shim_label *label, const ndpi_protocol *protocol,
                       const struct ndpi_flow_struct *flow) {
  memset(label, 0, sizeof(*label));
#ifdef SHIM_LABEL_IN_PAIR
  label->master = protocol->proto.master_protocol;
  label->app = protocol->proto.app_protocol;
#else
  label->master = protocol->master_protocol;
  label->app = protocol->app_protocol;
#endif
  label->category = (uint16_t)protocol->category;
  label->confidence = (uint8_t)flow->confidence;
}

/*
 * Some dissectors read the transport header of a detected flow unchecked: 4.2 crashes on a TLS
 * flow if its next packet ends inside the TCP header. So a flow known to be TCP or UDP only
 * takes packets with a complete header of that protocol.
 */
static int is_readable(const struct ndpi_flow_struct *flow, const uint8_t *ip_packet,
                       uint16_t len) {
  const u_int8_t *l4 = NULL;
  u_int16_t l4_len = 0;
  u_int8_t l4_protocol = 0;

  if (flow->l4_proto != IPPROTO_TCP && flow->l4_proto != IPPROTO_UDP)
    return 1;
  if (ndpi_detection_get_l4(ip_packet, len, &l4, &l4_len, &l4_protocol, 0) != 0
      || l4_protocol != flow->l4_proto)
    return 0;
  if (l4_protocol == IPPROTO_UDP)
    return l4_len >= 8;
  return l4_len >= 20 && (l4[12] >> 4) >= 5 && (l4[12] >> 4) * 4 <= l4_len;
}

/* Returns the current label of the flow. */
static void keep_label(ndpi_shim_label *label, struct ndpi_flow_struct *flow) {
  memset(label, 0, sizeof(*label));
#if NDPI_AT_LEAST(5, 0)
  label->master = ndpi_get_flow_masterprotocol(flow);
  label->app = ndpi_get_flow_appprotocol(flow);
#else
  label->master = flow->detected_protocol_stack[1];
  label->app = flow->detected_protocol_stack[0];
#endif
  label->category = (uint16_t)flow->category;
  label->confidence = (uint8_t)flow->confidence;
  label->wants_more = 1;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/*
 * Packets are adjacent in memory, so a read past the end of one reaches the next undetected.
 * Under AddressSanitizer each packet is copied to its own allocation, freed on return.
 */
static ndpi_protocol process(struct ndpi_detection_module_struct *module,
                             struct ndpi_flow_struct *flow, const uint8_t *ip_packet,
                             uint16_t len, uint64_t time_ms) {
  ndpi_protocol protocol;

#ifdef __SANITIZE_ADDRESS__
  uint8_t *copy = malloc(len);
  if (copy == NULL && len > 0)
    abort();
  memcpy(copy, ip_packet, len);
  ip_packet = copy;
#endif
#if NDPI_AT_LEAST(4, 6)
  protocol = ndpi_detection_process_packet(module, flow, ip_packet, len, time_ms, NULL);
#else
  protocol = ndpi_detection_process_packet(module, flow, ip_packet, len, time_ms);
#endif
#ifdef __SANITIZE_ADDRESS__
  free(copy);
#endif
  return protocol;
}

/* Frees a string of the flow that no metadata uses. */
static char *shortened(char *text) {
  char *shorter;

  if (text == NULL || strnlen(text, LONGEST_HTTP_TEXT + 1) <= LONGEST_HTTP_TEXT)
    return text;
  text[LONGEST_HTTP_TEXT] = '\0';
#if NDPI_AT_LEAST(5, 0)
  /* The allocator is unknown. */
  shorter = text;
#else
  allocated -= (int64_t)SIZE_OF_MEMORY(text);
  shorter = realloc(text, LONGEST_HTTP_TEXT + 1);
  if (shorter == NULL)
    shorter = text;
  allocated += (int64_t)SIZE_OF_MEMORY(shorter);
#endif
  return shorter;
}

static void shorten_texts(struct ndpi_flow_struct *flow) {
  flow->http.url = shortened(flow->http.url);
  flow->http.user_agent = shortened(flow->http.user_agent);
  flow->http.request_content_type = shortened(flow->http.request_content_type);
  flow->http.content_type = shortened(flow->http.content_type);
}

void ndpi_shim_inspect(ndpi_shim_module *module, ndpi_shim_flow *shim_flow,
                       const uint8_t *ip_packet, uint16_t len, uint64_t time_ms,
                       ndpi_shim_label *label) {
  struct ndpi_detection_module_struct *ndpi = ndpi_module(module);
  struct ndpi_flow_struct *flow = ndpi_flow(shim_flow);
  ndpi_protocol protocol;

  if (!is_readable(flow, ip_packet, len)) {
    keep_label(label, flow);
    return;
  }
#if !NDPI_AT_LEAST(5, 0)
  allocated = 0;
#endif
  protocol = process(ndpi, flow, ip_packet, len, time_ms);
  if (len > LONGEST_HTTP_TEXT)
    shorten_texts(flow);
  fill_label(label, &protocol, flow);
#if NDPI_AT_LEAST(5, 0)
  /* nDPI keeps at most the bytes that it got. */
  label->allocated = len;
#else
  label->allocated = allocated;
#endif
#if NDPI_AT_LEAST(5, 0)
  /* A classified flow may still yield metadata; a monitored one would never end. */
  label->wants_more = flow->extra_packets_func != NULL
                      || (protocol.state != NDPI_STATE_CLASSIFIED
                          && protocol.state != NDPI_STATE_MONITORING);
#else
  label->wants_more = label->app == NDPI_PROTOCOL_UNKNOWN
                      || ndpi_extra_dissection_possible(ndpi, flow) != 0;
#endif
}

void ndpi_shim_give_up(ndpi_shim_module *module, ndpi_shim_flow *shim_flow,
                       ndpi_shim_label *label) {
  struct ndpi_detection_module_struct *ndpi = ndpi_module(module);
  struct ndpi_flow_struct *flow = ndpi_flow(shim_flow);
  ndpi_protocol protocol;
  u_int8_t guessed = 0;

#if NDPI_AT_LEAST(5, 0)
  protocol = ndpi_detection_giveup(ndpi, flow);
  guessed = flow->confidence == NDPI_CONFIDENCE_MATCH_BY_PORT
            || flow->confidence == NDPI_CONFIDENCE_MATCH_BY_IP;
#elif NDPI_AT_LEAST(4, 10)
  protocol = ndpi_detection_giveup(ndpi, flow, &guessed);
#else
  protocol = ndpi_detection_giveup(ndpi, flow, 1, &guessed);
#endif
  fill_label(label, &protocol, flow);
  label->guessed = guessed != 0;
}
