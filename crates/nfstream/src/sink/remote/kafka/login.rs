//! Proof of a password: SCRAM (RFC 5802, RFC 7677), and the password itself.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

use crate::host::brief;
use crate::sink::remote::receiver::Failure;

/// Way in which the client proves that it knows a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
}

impl Mechanism {
    /// All mechanisms with the names that users and brokers give them.
    const NAMES: [(Self, &str, &str); 3] = [
        (Self::Plain, "plain", "PLAIN"),
        (Self::ScramSha256, "scram-sha-256", "SCRAM-SHA-256"),
        (Self::ScramSha512, "scram-sha-512", "SCRAM-SHA-512"),
    ];

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known, _)| *known == name).map(|(mechanism, ..)| *mechanism)
    }

    /// Returns the name that brokers use.
    pub(super) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(known, ..)| *known == self).map_or("", |(.., name)| name)
    }
}

/// User, password and mechanism.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) mechanism: Mechanism,
    pub(super) user: String,
    pub(super) password: String,
}

/// Rounds of hashing that a broker may request: RFC 7677 has the least, and the most bounds the
/// time.
const ROUNDS: RangeInclusive<u32> = 4096..=1_000_000;

impl Login {
    /// Logs in; `exchange` sends a message and returns the answer.
    ///
    /// # Errors
    ///
    /// Those of `exchange`; [`Failure`] also if the broker does not know the password either.
    pub(super) fn run(
        &self,
        nonce: &str,
        mut exchange: impl FnMut(&[u8]) -> Result<Vec<u8>, Failure>,
    ) -> Result<(), Failure> {
        match self.mechanism {
            Mechanism::Plain => {
                exchange(format!("\0{}\0{}", self.user, self.password).as_bytes()).map(drop)
            }
            Mechanism::ScramSha256 => self.scram::<HmacSha256>(nonce, exchange),
            Mechanism::ScramSha512 => self.scram::<HmacSha512>(nonce, exchange),
        }
    }

    fn scram<H: Hash>(
        &self,
        nonce: &str,
        mut exchange: impl FnMut(&[u8]) -> Result<Vec<u8>, Failure>,
    ) -> Result<(), Failure> {
        let user = self.user.replace('=', "=3D").replace(',', "=2C");
        let first = format!("n={user},r={nonce}");
        let answer = text(exchange(format!("n,,{first}").as_bytes())?)?;
        let unexpected = || Failure::permanent("the broker's part of the login is invalid");
        let both = attribute(&answer, "r").filter(|both| both.starts_with(nonce));
        let both = both.ok_or_else(unexpected)?;
        let salt = attribute(&answer, "s").and_then(|salt| BASE64.decode(salt).ok());
        let salt = salt.ok_or_else(unexpected)?;
        let rounds = attribute(&answer, "i").and_then(|rounds| rounds.parse::<u32>().ok());
        let rounds = rounds.filter(|rounds| ROUNDS.contains(rounds));
        let rounds = rounds.ok_or_else(unexpected)?;

        let salted = salted::<H>(self.password.as_bytes(), &salt, rounds);
        let key = H::keyed(&salted, &[b"Client Key"]);
        // "biws" is the first message's header "n,," in base64.
        let last = format!("c=biws,r={both}");
        let parts = format!("{first},{answer},{last}");
        let mut proof = H::keyed(&H::of(&key), &[parts.as_bytes()]);
        for (byte, key) in proof.iter_mut().zip(&key) {
            *byte ^= key;
        }
        let answer = exchange(format!("{last},p={}", BASE64.encode(proof)).as_bytes())?;
        let expected = H::keyed(&H::keyed(&salted, &[b"Server Key"]), &[parts.as_bytes()]);
        let answer = text(answer)?;
        if let Some(reason) = attribute(&answer, "e") {
            let reason = brief(reason);
            return Err(Failure::permanent(format!(
                "the broker refuses user or password: {reason}"
            )));
        }
        let given = attribute(&answer, "v").and_then(|given| BASE64.decode(given).ok());
        if given != Some(expected) {
            return Err(Failure::permanent("the broker did not prove that it knows the password"));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// A hash function, with and without a key.
trait Hash {
    fn of(bytes: &[u8]) -> Vec<u8>;
    fn keyed(key: &[u8], parts: &[&[u8]]) -> Vec<u8>;
}

struct HmacSha256;
struct HmacSha512;

impl Hash for HmacSha256 {
    fn of(bytes: &[u8]) -> Vec<u8> {
        Sha256::digest(bytes).to_vec()
    }

    fn keyed(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        keyed::<Hmac<Sha256>>(key, parts)
    }
}

impl Hash for HmacSha512 {
    fn of(bytes: &[u8]) -> Vec<u8> {
        Sha512::digest(bytes).to_vec()
    }

    fn keyed(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        keyed::<Hmac<Sha512>>(key, parts)
    }
}

fn keyed<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// Returns the first block of PBKDF2 (RFC 8018).
fn salted<H: Hash>(password: &[u8], salt: &[u8], rounds: u32) -> Vec<u8> {
    let mut block = H::keyed(password, &[salt, &1_u32.to_be_bytes()]);
    let mut all = block.clone();
    for _ in 1..rounds {
        block = H::keyed(password, &[&block]);
        for (all, byte) in all.iter_mut().zip(&block) {
            *all ^= byte;
        }
    }
    all
}

/// Returns the value of an attribute of a message.
fn attribute<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

fn text(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(Failure::permanent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange in RFC 7677, section 3.
    #[test]
    fn a_published_exchange_is_the_same() {
        let login = Login {
            mechanism: Mechanism::ScramSha256,
            user: "user".to_owned(),
            password: "pencil".to_owned(),
        };
        let answers = [
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ];
        let mut sent = Vec::new();
        let exchange = |message: &[u8]| {
            sent.push(String::from_utf8(message.to_vec()).unwrap());
            Ok(answers[sent.len() - 1].as_bytes().to_vec())
        };
        login.run("rOprNGfwEbeRWgbNEkqO", exchange).unwrap();
        assert_eq!(sent[0], "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        assert_eq!(
            sent[1],
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        let wrong = Login { password: "pencils".to_owned(), ..login };
        let mut number = 0;
        let exchange = |_: &[u8]| {
            number += 1;
            Ok(answers[number - 1].as_bytes().to_vec())
        };
        assert!(wrong.run("rOprNGfwEbeRWgbNEkqO", exchange).is_err());
        let refusals = [answers[0], "e=invalid-proof"];
        let mut number = 0;
        let refusal = wrong.run("rOprNGfwEbeRWgbNEkqO", |_| {
            number += 1;
            Ok(refusals[number - 1].as_bytes().to_vec())
        });
        let text = refusal.unwrap_err().source.to_string();
        assert_eq!(text, "the broker refuses user or password: invalid-proof");
        let other = |_: &[u8]| Ok(b"r=other,s=AA==,i=1".to_vec());
        assert!(wrong.run("rOprNGfwEbeRWgbNEkqO", other).is_err());
    }
}
