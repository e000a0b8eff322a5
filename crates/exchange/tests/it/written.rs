//! A small directory of SDTM, written by the tests: one subject, two readers, two targets (one a node), one non-target.

use std::collections::BTreeMap;
use std::path::Path;

use analysis::results::{About, Results};
use exchange::sdtm::{Import, ImportFault};
use trial::protocol::ProtocolHistory;

/// Files by name.
#[derive(Clone)]
pub struct Written(pub BTreeMap<String, String>);

const DM: &str = "\
STUDYID,DOMAIN,USUBJID,SITEID,RFSTDTC,SEX,BRTHDTC,ARMCD,ARM,DTHDTC
S1,DM,S1-001,01,2024-01-10,F,1960-05-02,A,Drug,
S1,DM,S1-002,01,2024-02-01,M,1955,B,Placebo,
";

const TU: &str = "\
DOMAIN,USUBJID,TULNKID,TUTESTCD,TUSTRESC,TULOC,TUEVAL,TUEVALID,VISITNUM,VISIT,TUDTC
TU,S1-001,T01,TUMIDENT,TARGET,LIVER,INVESTIGATOR,,1,BASELINE,2024-01-08
TU,S1-001,T02,TUMIDENT,TARGET,LYMPH NODE,INVESTIGATOR,,1,BASELINE,2024-01-08
TU,S1-001,NT01,TUMIDENT,NON-TARGET,BONE,INVESTIGATOR,,1,BASELINE,2024-01-08
TU,S1-001,R1-T01,TUMIDENT,TARGET,LIVER,INDEPENDENT ASSESSOR,RADIOLOGIST 1,1,BASELINE,2024-01-08
";

const TR: &str = "\
DOMAIN,USUBJID,TRLNKID,TRTESTCD,TRORRES,TRORRESU,TRSTRESC,TRSTRESN,TRSTRESU,TRSTAT,TRREASND,TREVAL,TREVALID,VISITNUM,VISIT,TRDTC
TR,S1-001,T01,DIAMETER,30,mm,30,30,mm,,,INVESTIGATOR,,1,BASELINE,2024-01-08
TR,S1-001,T02,DIAMETER,20,mm,20,20,mm,,,INVESTIGATOR,,1,BASELINE,2024-01-09
TR,S1-001,NT01,TUMSTATE,PRESENT,,PRESENT,,,,,INVESTIGATOR,,1,BASELINE,2024-01-08
TR,S1-001,,SUMDIAM,50,mm,50,50,mm,,,INVESTIGATOR,,1,BASELINE,2024-01-09
TR,S1-001,R1-T01,DIAMETER,30,mm,30,30,mm,,,INDEPENDENT ASSESSOR,RADIOLOGIST 1,1,BASELINE,2024-01-08
TR,S1-001,T01,DIAMETER,18,mm,18,18,mm,,,INVESTIGATOR,,2,WEEK 6,2024-02-20
TR,S1-001,T02,DIAMETER,12,mm,12,12,mm,,,INVESTIGATOR,,2,WEEK 6,2024-02-20
TR,S1-001,NT01,TUMSTATE,PRESENT,,PRESENT,,,,,INVESTIGATOR,,2,WEEK 6,2024-02-20
TR,S1-001,T01,DIAMETER,25,mm,25,25,mm,,,INVESTIGATOR,,3,WEEK 12,2024-04-02
TR,S1-001,T02,DIAMETER,12,mm,12,12,mm,,,INVESTIGATOR,,3,WEEK 12,2024-04-02
TR,S1-001,NT01,TUMSTATE,,,,,,NOT DONE,Image obscured,INVESTIGATOR,,3,WEEK 12,2024-04-02
TR,S1-001,R1-T01,DIAMETER,,,,,,NOT DONE,Image obscured,INDEPENDENT ASSESSOR,RADIOLOGIST 1,2,WEEK 6,2024-02-20
";

const RS: &str = "\
DOMAIN,USUBJID,RSTESTCD,RSCAT,RSSTRESC,RSEVAL,RSEVALID,VISITNUM,VISIT,RSDTC
RS,S1-001,TRGRESP,RECIST 1.1,PR,INVESTIGATOR,,2,WEEK 6,2024-02-20
RS,S1-001,NTRGRESP,RECIST 1.1,NON-CR/NON-PD,INVESTIGATOR,,2,WEEK 6,2024-02-20
RS,S1-001,OVRLRESP,RECIST 1.1,PR,INVESTIGATOR,,2,WEEK 6,2024-02-20
RS,S1-001,TRGRESP,RECIST 1.1,SD,INVESTIGATOR,,3,WEEK 12,2024-04-02
RS,S1-001,OVRLRESP,RECIST 1.1,SD,INVESTIGATOR,,3,WEEK 12,2024-04-02
";

const AE: &str = "\
DOMAIN,USUBJID,AETERM,AESEV,AESER,AEREL,AESTDTC,AEENDTC
AE,S1-001,Nausea,MILD,N,POSSIBLE,2024-01,2024-02-01
";

impl Written {
    pub fn sound() -> Self {
        let files = [("dm.csv", DM), ("tu.csv", TU), ("tr.csv", TR), ("rs.csv", RS), ("ae.csv", AE)];
        Self(files.map(|(name, text)| (name.to_owned(), text.to_owned())).into())
    }

    /// Replaces the only occurrence of `from` in a file.
    pub fn with(mut self, file: &str, from: &str, to: &str) -> Self {
        let text = self.0.get_mut(file).expect("a file");
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {file}");
        *text = text.replace(from, to);
        self
    }

    /// Takes a column out of a file.
    pub fn without_column(mut self, file: &str, column: &str) -> Self {
        let text = self.0.get_mut(file).expect("a file");
        let place = text.lines().next().and_then(|header| header.split(',').position(|name| name == column));
        let place = place.expect("a column");
        let cut = |line: &str| {
            let mut cells: Vec<&str> = line.split(',').collect();
            cells.remove(place);
            cells.join(",") + "\n"
        };
        *text = text.lines().map(cut).collect();
        self
    }

    pub fn save(&self, dir: &Path) {
        for (name, text) in &self.0 {
            std::fs::write(dir.join(name), text).expect("a file is written");
        }
    }

    pub fn read(&self) -> Result<Import, Vec<ImportFault>> {
        let dir = tempfile::tempdir().expect("a directory");
        self.save(dir.path());
        exchange::sdtm::read(dir.path())
    }

    /// What is wrong, one fault a line, without the name of the directory.
    pub fn faults(&self) -> String {
        let dir = tempfile::tempdir().expect("a directory");
        self.save(dir.path());
        let faults = exchange::sdtm::read(dir.path()).expect_err("it must not be imported");
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        lines.join("\n").replace(&dir.path().display().to_string(), "DIR")
    }
}

/// The results of an import, and the protocol they follow.
pub fn results(import: &Import) -> (ProtocolHistory, Results) {
    let history = import.history();
    let plan = analysis::Plan::new(&history);
    let rows = import
        .subjects
        .iter()
        .map(|subject| plan.row(&import.record(&history, subject), None, analysis::Detail::FULL))
        .collect();
    let context = analysis::Context {
        about: About::of(&history, "a test"),
        sites: import.sites(),
        limits: analysis::Limits::default(),
    };
    let results = analysis::results(&history, context, rows);
    (history, results)
}
