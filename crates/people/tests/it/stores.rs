//! A fresh store on either database, and what most tests need in it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::{SignedDuration, Timestamp};
use people::{Hashing, KeyPlace, NewUser, Rules, Secret, Session, SignIn, Store};
use tempfile::TempDir;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug)]
pub enum On {
    Sqlite,
    Postgres,
}

/// Where a store of one test lies.
pub struct Place {
    pub address: String,
    /// Holds the store's file, if it is one, and its key.
    pub directory: TempDir,
    on: On,
}

impl On {
    /// None where this machine has no such database, which was said on the standard error.
    pub fn place(self) -> Option<Place> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        match self {
            Self::Sqlite => {
                let directory = tempfile::tempdir().unwrap();
                let address = directory.path().join("office with ? and # %41.sqlite").display().to_string();
                Some(Place { address, directory, on: self })
            }
            Self::Postgres => {
                let cluster = temporary_postgres::cluster()?;
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let address = format!("{}&schema=People_{number}", cluster.socket_url("postgres"));
                Some(Place { address, directory: tempfile::tempdir().unwrap(), on: self })
            }
        }
    }

    /// A store of its own, with its place.
    pub async fn store(self) -> Option<(Store, Place)> {
        let place = self.place()?;
        Some((place.open().await, place))
    }
}

impl Place {
    /// The store as one more process opens it.
    pub async fn open(&self) -> Store {
        Store::open_with(&self.address, self.rules()).await.unwrap()
    }

    /// The file of the key: on `SQLite` beside the store, where it is when nobody says another place.
    pub fn key(&self) -> PathBuf {
        match self.on {
            On::Sqlite => PathBuf::from(&self.address).with_extension("key"),
            On::Postgres => self.directory.path().join("a.key"),
        }
    }

    /// The rules of a test, with the place of the key.
    pub fn rules(&self) -> Rules {
        let key = match self.on {
            On::Sqlite => KeyPlace::Beside,
            On::Postgres => KeyPlace::File(self.key()),
        };
        Rules { key, ..rules() }
    }

    /// Runs a statement in the store, as somebody with other tools would, and gives what it answers: a text a row.
    pub async fn run(&self, statement: &str) -> Vec<String> {
        use sqlx::{ConnectOptions, Connection};

        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        match self.on {
            On::Sqlite => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.address);
                let mut connection = options.connect().await.unwrap();
                let rows = sqlx::query_scalar(statement).fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                rows
            }
            On::Postgres => {
                let (url, schema) = self.address.split_once("&schema=").unwrap();
                let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
                let path = sqlx::AssertSqlSafe(format!("SET search_path TO \"{schema}\""));
                sqlx::raw_sql(path).execute(&mut connection).await.unwrap();
                let rows = sqlx::query_scalar(statement).fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                rows
            }
        }
    }

    /// The files of the store with their content; none on `PostgreSQL`.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        if matches!(self.on, On::Postgres) {
            return Vec::new();
        }
        let entries = std::fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
    }
}

pub fn rules() -> Rules {
    Rules { hashing: Hashing::quick_for_tests(), ..Rules::default() }
}

/// The trial's first Monday, and seconds after it.
pub fn at(seconds: i64) -> Timestamp {
    let monday: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
    monday.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

pub const MINUTE: i64 = 60;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;
pub const HERE: &str = "192.0.2.10";
pub const PASSWORD: &str = "lamp otter brick seven";

pub fn secret(text: &str) -> Secret {
    Secret::new(text)
}

pub fn anna() -> NewUser {
    NewUser {
        name: "anna".to_owned(),
        display_name: "Anna Berg".to_owned(),
        email: "anna@klinik.example".to_owned(),
    }
}

pub fn named(name: &str) -> NewUser {
    NewUser { name: name.to_owned(), ..anna() }
}

/// Anna's account.
pub async fn add_anna(store: &Store) {
    store.add_user(anna(), &secret(PASSWORD), at(0)).await.unwrap();
}

/// Anna signs in; the cookie's token and the session.
pub async fn sign_in(store: &Store, now: Timestamp) -> (String, Session) {
    match store.sign_in("anna", &secret(PASSWORD), HERE, now).await.unwrap() {
        SignIn::Open(token, session) => (token.reveal().to_owned(), session),
        answer => panic!("anna is not signed in: {answer:?}"),
    }
}

pub fn is_wrong(answer: &SignIn) -> bool {
    matches!(answer, SignIn::Wrong)
}

/// The six digits of a secret in base32, by an implementation of RFC 6238 that is not the one under test.
pub fn code(secret: &str, now: Timestamp) -> String {
    let key = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let step = u64::try_from(now.as_second() / 30).unwrap().to_be_bytes();
    let mac = hmac_sha1(&key, &step);
    let offset = usize::from(mac[19] & 15);
    let word = u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

/// RFC 2104 over SHA-1 (FIPS 180-4), for messages of one block.
fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    let pad = |with: u8| {
        let mut block = vec![with; 64];
        for (place, byte) in block.iter_mut().zip(key) {
            *place ^= byte;
        }
        block
    };
    let inner = sha1(&[pad(0x36), message.to_vec()].concat());
    sha1(&[pad(0x5c), inner.to_vec()].concat())
}

fn sha1(message: &[u8]) -> [u8; 20] {
    let mut data = message.to_vec();
    data.push(0x80);
    data.resize(data.len().next_multiple_of(64), 0);
    if message.len() % 64 >= 56 {
        data.resize(data.len() + 64, 0);
    }
    let end = data.len();
    data[end - 8..].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in data.chunks(64) {
        let mut words: Vec<u32> =
            block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
        for t in 16..80 {
            words.push((words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (t, word) in words.into_iter().enumerate() {
            let (f, k) = match t / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc_u32),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(word);
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (sum, value) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(value);
        }
    }
    let mut out = [0; 20];
    for (place, word) in out.chunks_mut(4).zip(state) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    out
}

#[test]
fn the_tests_own_codes_are_those_of_rfc_6238() {
    let secret = data_encoding::BASE32_NOPAD.encode(b"12345678901234567890");
    for (seconds, expected) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
        assert_eq!(code(&secret, Timestamp::from_second(seconds).unwrap()), expected);
    }
}
