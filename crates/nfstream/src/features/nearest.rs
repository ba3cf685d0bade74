//! Suggestions for misspelt names.

/// Similarity below which a name is no suggestion.
const SIMILAR: f64 = 0.7;

/// Words of other programs and of nfstream 6, and the names that mean the same here.
const SYNONYMS: [(&str, &str); 68] = [
    ("app", "application_name"),
    ("application", "application_name"),
    ("application_category_name", "category_name"),
    ("asn", "dst_asn"),
    ("bidirectional_bytes", "total_bytes"),
    ("bidirectional_duration_ms", "duration"),
    ("bidirectional_first_seen_ms", "first_seen"),
    ("bidirectional_last_seen_ms", "last_seen"),
    ("bidirectional_packets", "total_packets"),
    ("bytes", "total_bytes"),
    ("category", "category_name"),
    ("certificates", "tls"),
    ("client", "src_ip"),
    ("country", "dst_country"),
    ("daddr", "dst_ip"),
    ("destination", "dst_ip"),
    ("destination_ip", "dst_ip"),
    ("destination_port", "dst_port"),
    ("domain", "requested_server_name"),
    ("dport", "dst_port"),
    ("dst", "dst_ip"),
    ("dur", "duration"),
    ("end", "last_seen"),
    ("end_time", "last_seen"),
    ("fingerprints", "tls"),
    ("flags", "tcp_flags"),
    ("host", "requested_server_name"),
    ("hostname", "requested_server_name"),
    ("ip", "src_ip"),
    ("ip_version", "version"),
    ("ja4", "tls"),
    ("l4_proto", "protocol"),
    ("length", "total_bytes"),
    ("octets", "total_bytes"),
    ("orig_bytes", "src2dst_bytes"),
    ("packets", "total_packets"),
    ("pid", "system_process_pid"),
    ("pkts", "total_packets"),
    ("port", "dst_port"),
    ("process", "system_process_name"),
    ("process", "system_process"),
    ("processes", "system_process"),
    ("proto", "protocol"),
    ("resp_bytes", "dst2src_bytes"),
    ("retransmissions", "src2dst_retransmitted_packets"),
    ("retransmissions", "tcp_quality"),
    ("rtt", "tcp_handshake_us"),
    ("rtt", "tcp_quality"),
    ("saddr", "src_ip"),
    ("server", "dst_ip"),
    ("server_name", "requested_server_name"),
    ("size", "total_bytes"),
    ("sni", "requested_server_name"),
    ("sni", "tls"),
    ("source_ip", "src_ip"),
    ("source_port", "src_port"),
    ("sport", "src_port"),
    ("src", "src_ip"),
    ("start", "first_seen"),
    ("start_time", "first_seen"),
    ("statistical_analysis", "statistics"),
    ("stats", "statistics"),
    ("time", "first_seen"),
    ("timestamp", "first_seen"),
    ("ts", "first_seen"),
    ("url", "http_url"),
    ("vlan", "vlan_id"),
    ("vlan", "network"),
];

/// Returns the name that means what was `typed`, or the one that is most like it, if there is one.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let names: Vec<_> = names.collect();
    let plain = typed.to_ascii_lowercase().replace(['-', ' ', '.'], "_");
    if let Some(same) = names.iter().find(|name| name.eq_ignore_ascii_case(&plain)) {
        return Some(same);
    }
    let meant = SYNONYMS.iter().filter(|(word, _)| *word == plain);
    let mut meant = meant.filter_map(|(_, meant)| names.iter().find(|name| *name == meant));
    if let Some(meant) = meant.next() {
        return Some(meant);
    }
    let rated = names.into_iter().map(|name| (similarity(name, typed), name));
    let best = rated.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(similarity, _)| *similarity >= SIMILAR).map(|(_, name)| name)
}

/// Returns the similarity of two names, from 0 to 1.
fn similarity(name: &str, typed: &str) -> f64 {
    // Jaro's measure misses two exchanged letters in a short word.
    if typed.len() > 2 && strsim::osa_distance(name, typed) == 1 {
        return 1.0;
    }
    strsim::jaro_winkler(name, typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_unlike_all_has_no_suggestion() {
        let names = || ["src_port", "dst_port"].into_iter();
        assert_eq!(nearest("src_prt", names()), Some("src_port"));
        assert_eq!(nearest("zzz", names()), None);
    }

    #[test]
    fn letters_of_short_names_may_change_places() {
        let names = || ["splt", "tls", "dns"].into_iter();
        assert_eq!(nearest("tsl", names()), Some("tls"));
        assert_eq!(nearest("dsn", names()), Some("dns"));
        assert_eq!(nearest("qq", names()), None);
    }

    #[test]
    fn meaning_comes_before_letters() {
        let names = || ["src2dst_bytes", "total_bytes", "bidirectional_min_ps"].into_iter();
        assert_eq!(nearest("bidirectional_bytes", names()), Some("total_bytes"));
        assert_eq!(nearest("Bytes", names()), Some("total_bytes"));
        assert_eq!(nearest("TOTAL-BYTES", names()), Some("total_bytes"));
    }

    #[test]
    fn every_synonym_means_a_column_or_a_group() {
        let columns = crate::features::columns(crate::time::TimeUnit::Milliseconds);
        let groups = crate::features::Group::ALL.into_iter().map(crate::features::Group::name);
        let known: Vec<_> = columns.map(|column| column.name).chain(groups).collect();
        for (word, meant) in SYNONYMS {
            assert!(known.contains(&meant), "{word} means {meant}");
        }
    }
}
