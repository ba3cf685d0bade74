//! Tests of the data that is built in.

use proptest::prelude::*;

use super::*;

/// Returns the name of the application of `domain`.
fn named(domain: &str) -> Option<&'static str> {
    let id = Catalogue::default().by_domain(domain.as_bytes())?;
    built_in(id).map(|(name, _)| name)
}

/// Returns the suffixes of `data/applications.toml` and their applications.
fn data() -> Vec<(String, String)> {
    let text = include_str!("../../data/applications.toml");
    let table = toml::de::DeTable::parse(text).unwrap();
    let mut pairs = Vec::new();
    for entry in table.get_ref()["application"].get_ref().as_array().unwrap() {
        let entry = entry.get_ref().as_table().unwrap();
        let name = entry["name"].get_ref().as_str().unwrap();
        let Some(domains) = entry.get("domains") else { continue };
        for domain in domains.get_ref().as_array().unwrap() {
            let domain = domain.get_ref().as_str().unwrap();
            pairs.push((domain.to_owned(), name.to_owned()));
        }
    }
    pairs
}

#[test]
fn each_suffix_matches_itself_and_a_subdomain_and_no_lookalike() {
    let data = data();
    assert!(data.len() > 1_500);
    for (suffix, name) in &data {
        let domain = &suffix.replace('*', "any");
        assert_eq!(named(domain).unwrap(), name, "{domain}");
        assert_eq!(named(&format!("{domain}.")).unwrap(), name);
        assert_eq!(named(&domain.to_uppercase()).unwrap(), name);
        let longer = format!("q8z.{domain}");
        if !data.iter().any(|(other, _)| *other == longer) {
            assert!(named(&longer).is_some(), "{longer}");
        }
        // A name that merely ends alike has the application of a shorter suffix, if any.
        let (first, above) = suffix.split_once('.').unwrap_or((suffix, ""));
        if !first.contains('*') {
            let above = named(&format!("zqnot.{}", above.replace('*', "any")));
            assert_eq!(named(&format!("zqnot{domain}")), above, "{domain}");
        }
        assert_eq!(named(&format!("{domain}.zqexample")), None);
        assert_eq!(named(&format!("{domain}..")), None);
    }
}

#[test]
fn no_suffix_is_shared_by_unrelated_owners() {
    let shared = data().into_iter().map(|(suffix, _)| suffix);
    let shared: Vec<_> = shared.filter(|suffix| public_suffix::is_shared(suffix)).collect();
    // Only bodies of the NHS can register names below it.
    assert_eq!(shared, ["nhs.uk"]);
}

#[test]
fn sizes_are_those_of_a_full_catalogue() {
    let size = size();
    assert!(size.applications >= 600, "{size:?}");
    assert!(size.networks >= 8_000, "{size:?}");
    assert!(size.bytes < 1 << 20, "{size:?}");
    assert_eq!(Catalogue::default().applications().len(), size.applications);
}

#[test]
fn numbers_and_names_lead_to_each_other() {
    let catalogue = Catalogue::default();
    assert_eq!(catalogue.name(ProtocolId(0)), Some("Unknown"));
    assert_eq!(catalogue.name(ProtocolId(91)), Some("TLS"));
    assert_eq!(catalogue.name(ProtocolId(124)), Some("YouTube"));
    assert_eq!(catalogue.category(ProtocolId(124)), Some(Category(1)));
    assert_eq!(catalogue.category_name(Category(1)), Some("Media"));
    assert_eq!(catalogue.name(ProtocolId(9_999)), None);
    assert_eq!(catalogue.category(ProtocolId(9_999)), None);
    assert_eq!(catalogue.by_name("youtube"), Some(ProtocolId(124)));
    assert_eq!(catalogue.by_name("nothing"), None);
    assert_eq!(catalogue.category_name(Category(9_999)), None);
    for id in catalogue.names() {
        let name = catalogue.name(id).unwrap();
        assert_eq!(catalogue.by_name(name), Some(id), "{name}");
        assert!(catalogue.category_name(catalogue.category(id).unwrap()).is_some(), "{name}");
    }
}

#[test]
fn protocols_have_their_numbers_names_and_categories() {
    let missing: Vec<String> = crate::protocols::REGISTRY
        .iter()
        .filter(|protocol| built_in(protocol.id) != Some((protocol.name, protocol.category)))
        .map(|protocol| {
            let category = category_name(protocol.category).unwrap_or_default();
            format!("{}\t{}\t{category}", protocol.id.0, protocol.name)
        })
        .collect();
    assert!(missing.is_empty(), "not in data/protocols.tsv:\n{}", missing.join("\n"));
}

#[test]
fn rules_add_names_and_change_categories() {
    let text = "[[rule]]\napplication = \"Own\"\nports = [\"tcp/1\"]\n\
                [[rule]]\napplication = \"YouTube\"\ncategory = \"Game\"\nports = [\"tcp/2\"]\n";
    let catalogue = Catalogue::with_rules(Rules::parse(text).unwrap());
    let own = catalogue.rules().by_port(6, 1).unwrap();
    assert_eq!(catalogue.name(own), Some("Own"));
    assert_eq!(catalogue.by_name("own"), Some(own));
    assert_eq!(catalogue.names().last(), Some(own));
    assert_eq!(catalogue.category(ProtocolId(124)), Some(Category(8)));
    assert_eq!(catalogue.name(ProtocolId(124)), Some("YouTube"));
}

#[test]
fn names_are_found_for_well_known_hosts() {
    for (domain, name) in [
        ("rr3---sn-4g5e6nz7.googlevideo.com", "YouTube"),
        ("i.ytimg.com", "YouTube"),
        ("bucket.s3.eu-west-1.amazonaws.com", "AWS_S3"),
        ("cognito-identity.us-east-1.amazonaws.com", "AmazonAWS"),
        ("d111111abcdef8.cloudfront.net", "AWS_Cloudfront"),
        ("igcdn-photos-e-a.akamaihd.net", "Instagram"),
        ("scontent-mxp1-1.xx.fbcdn.net", "Facebook"),
        ("ipv4-c001-mxp001-ix.1.oca.nflxvideo.net", "NetFlix"),
        ("chatgpt.com", "ChatGPT"),
    ] {
        assert_eq!(named(domain), Some(name), "{domain}");
    }
    assert_eq!(named("localhost"), None);
    assert_eq!(named("notyoutube.com"), None);
}

#[test]
fn addresses_are_found_for_well_known_networks() {
    let catalogue = Catalogue::default();
    let named = |address: &str| {
        let id = catalogue.by_address(address.parse().unwrap())?;
        catalogue.name(id)
    };
    for (address, name) in [
        ("52.58.18.25", Some("AWS_EC2")),
        ("149.154.167.51", Some("Telegram")),
        ("::ffff:149.154.167.51", Some("Telegram")),
        ("17.248.176.75", Some("Apple")),
        ("104.16.0.1", Some("Cloudflare")),
        ("2606:4700::1111", Some("Cloudflare")),
        ("2603:1030::1", Some("Azure")),
        ("64.227.107.71", Some("DigitalOcean")),
        ("127.0.0.1", None),
        ("10.0.0.1", None),
        ("255.255.255.255", None),
        ("::1", None),
        ("fe80::1", None),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
    ] {
        assert_eq!(named(address), name, "{address}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_name(name in proptest::collection::vec(any::<u8>(), 0..400)) {
        let catalogue = Catalogue::default();
        if let Some(id) = catalogue.by_domain(&name) {
            prop_assert!(catalogue.name(id).is_some());
        }
    }

    #[test]
    fn names_before_a_suffix_do_not_matter(
        before in proptest::collection::vec(any::<u8>(), 0..100),
        long in 0_usize..3,
    ) {
        let catalogue = Catalogue::default();
        let name = [&before[..], &vec![b'x'; long * 32_768], b".youtube.com"].concat();
        prop_assert_eq!(catalogue.by_domain(&name), Some(ProtocolId(124)));
    }
}
