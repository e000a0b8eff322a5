//! Who may do what: one table, rows what one can do in the office, columns the roles.
//!
//! Never asks who somebody is or what state a subject is in: whether a locked form may be corrected is a rule of the trial and of the
//! office. A patient and a device never sign in and have no column. See GLOSSARY.md and ICH E6(R3) for the roles.

use std::collections::BTreeSet;

use trial::event::Role;
use trial::id::SiteId;

use crate::error::{Error, Result};

/// How far a role reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// It may not.
    Never,
    /// At the site at which the role was given, and never for the trial as a whole.
    AtOwnSite,
    /// At every site and for the trial as a whole; where the role was given at one site, only there.
    Everywhere,
}

/// The roles that have a column, in its order.
pub const ROLES: [Role; 8] = [
    Role::SiteCoordinator,
    Role::Investigator,
    Role::RadiationOncologist,
    Role::Monitor,
    Role::DataManager,
    Role::Statistician,
    Role::SafetyCommittee,
    Role::TrialOffice,
];

/// What an act asks for beyond the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// A session.
    Session,
    /// A session in which the second factor was given.
    SecondFactor,
    /// The same, and the password again at the moment of acting.
    PasswordAgain,
}

// The words of the table.
const NO: May = May::Never;
const SITE: May = May::AtOwnSite;
const ALL: May = May::Everywhere;
const ____: Proof = Proof::Session;
const CODE: Proof = Proof::SecondFactor;
const SIGN: Proof = Proof::PasswordAgain;

macro_rules! acts {
    ($($(#[$doc:meta])* $act:ident $words:literal [$($may:ident)*] $proof:ident)*) => {
        /// What one can do in the office.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Act {
            $(
                #[doc = concat!("To ", $words, ".")]
                $(#[$doc])*
                $act,
            )*
        }

        impl Act {
            /// Every act, in the order of the table.
            pub const ALL: &[Act] = &[$(Act::$act),*];

            /// What it is, after "may" or "you may not": `see subjects and their data`.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Act::$act => $words,)*
                }
            }

            const fn row(self) -> ([May; 8], Proof) {
                match self {
                    $(Act::$act => ([$($may),*], $proof),)*
                }
            }
        }
    };
}

// NO: never. SITE: at the site of the role. ALL: everywhere. CODE: with the second factor. SIGN: the password again as well.
//
// Unblinded comparisons by arm are for the statistician and the safety committee alone, also in a trial that is open label. Who answers
// for the data (sites) does not close queries or verify; who checks them does not enter. Identifying contacts stay at the site.
#[rustfmt::skip]
acts! {
    // what          in words                                        co-   inves-  rad.   moni-  data   sta-   safety  trial    asks
    //                                                               ord.  tigator onc.   tor    mgr    tist.  comm.   office   for
    ViewSubject       "see subjects and their data"                 [SITE  SITE    SITE   ALL    ALL    ALL    NO      ALL ]    ____
    ViewTrail         "see who did what and when"                   [SITE  SITE    SITE   ALL    ALL    ALL    NO      ALL ]    ____
    ViewDeviations    "see deviations from the protocol"            [SITE  SITE    SITE   ALL    ALL    ALL    NO      ALL ]    ____
    ViewOverview      "see recruitment, visits and queries"         [SITE  SITE    SITE   ALL    ALL    ALL    ALL     ALL ]    ____

    Screen            "enter a person into screening"               [SITE  SITE    NO     NO     NO     NO     NO      NO  ]    ____
    EnterData         "fill forms"                                  [SITE  SITE    NO     NO     NO     NO     NO      NO  ]    ____
    RecordSabr        "record SABR"                                 [SITE  SITE    SITE   NO     NO     NO     NO      NO  ]    ____
    /// Correcting a form needs the act of entering it as well: see [`entering`].
    Correct           "correct forms, with a reason"                [SITE  SITE    SITE   NO     NO     NO     NO      NO  ]    ____
    AnswerQuery       "answer queries"                              [SITE  SITE    SITE   NO     NO     NO     NO      NO  ]    ____
    ManageContacts    "see and change how subjects are reached"     [SITE  SITE    NO     NO     NO     NO     NO      NO  ]    ____
    IssuePatientLinks "give patients links to their questionnaires" [SITE  SITE    NO     NO     NO     NO     NO      NO  ]    ____

    /// Whoever randomises has judged the subject eligible.
    Randomise         "judge eligibility and randomise"             [NO    SITE    NO     NO     NO     NO     NO      NO  ]    CODE
    RandomiseOnBehalf "randomise for a site that cannot reach us"   [NO    NO      NO     NO     NO     NO     NO      ALL ]    CODE
    Sign              "sign forms"                                  [NO    SITE    NO     NO     NO     NO     NO      NO  ]    SIGN

    VerifySource      "verify forms against their source"           [NO    NO      NO     ALL    NO     NO     NO      NO  ]    ____
    RaiseQuery        "raise queries"                               [NO    NO      NO     ALL    ALL    NO     NO      NO  ]    ____
    CloseQuery        "close queries"                               [NO    NO      NO     ALL    ALL    NO     NO      NO  ]    ____
    Lock              "lock forms"                                  [NO    NO      NO     NO     ALL    NO     NO      NO  ]    ____
    Unlock            "unlock forms"                                [NO    NO      NO     NO     ALL    NO     NO      NO  ]    CODE

    ViewPooled        "see results of both arms together"           [NO    NO      NO     NO     ALL    ALL    ALL     ALL ]    ____
    ViewByArm         "see results by arm"                          [NO    NO      NO     NO     NO     ALL    ALL     NO  ]    CODE
    /// A report shows results by arm only to whoever may see them.
    MakeReport        "make reports"                                [NO    NO      NO     NO     ALL    ALL    ALL     ALL ]    ____
    ExportData        "export the data"                             [NO    NO      NO     NO     ALL    ALL    NO      NO  ]    CODE
    ExportAudit       "export the audit trail"                      [NO    NO      NO     ALL    ALL    NO     NO      ALL ]    CODE
    ProveIntegrity    "prove that nothing was altered, back up"     [NO    NO      NO     NO     NO     NO     NO      ALL ]    CODE

    ManageUsers       "invite users and give roles"                 [NO    NO      NO     NO     NO     NO     NO      ALL ]    CODE
    ManageTokens      "give other programs access"                  [NO    NO      NO     NO     NO     NO     NO      ALL ]    CODE
    OpenSite          "open and close sites"                        [NO    NO      NO     NO     NO     NO     NO      ALL ]    CODE
    AdoptProtocol     "adopt a new version of the protocol"         [NO    NO      NO     NO     NO     NO     NO      ALL ]    SIGN
    RevealSeed        "reveal the seed of randomisation"            [NO    NO      NO     NO     NO     NO     NO      ALL ]    SIGN
}

/// How far a role may do a thing.
pub fn may(role: Role, act: Act) -> May {
    let column = ROLES.iter().position(|known| *known == role);
    column.and_then(|column| act.row().0.get(column).copied()).unwrap_or(May::Never)
}

/// Whether the second factor must have been given in the session.
pub fn needs_second_factor(act: Act) -> bool {
    act.row().1 != Proof::Session
}

/// Whether the password must be given again at the moment of acting (21 CFR 11.200(a)).
pub fn needs_reauthentication(act: Act) -> bool {
    act.row().1 == Proof::PasswordAgain
}

/// Whether a token of another program may do it: only what asks a person for no further proof, since a program can give none.
pub fn by_token(act: Act) -> bool {
    act.row().1 == Proof::Session
}

/// What it takes to fill a form. `sabr`: whether the form records a course of SABR.
pub fn entering(sabr: bool) -> Act {
    if sabr { Act::RecordSabr } else { Act::EnterData }
}

/// In which of their roles somebody may do a thing, if they may; the first in the order of [`ROLES`].
///
/// `grants`: role and site, none for all sites. `site`: where it would be done, none for the trial as a whole. A role given at a site
/// never reaches beyond it.
pub fn allowed(grants: &[(Role, Option<SiteId>)], act: Act, site: Option<&SiteId>) -> Option<Role> {
    let reaches = |role: Role, own: Option<&SiteId>| match (may(role, act), own, site) {
        (May::Never, ..) | (May::AtOwnSite, _, None) | (May::Everywhere, Some(_), None) => false,
        (May::AtOwnSite | May::Everywhere, None, _) => true,
        (May::AtOwnSite | May::Everywhere, Some(own), Some(site)) => own == site,
    };
    ROLES
        .into_iter()
        .find(|role| grants.iter().any(|(granted, own)| granted == role && reaches(*granted, own.as_ref())))
}

/// At which sites somebody may do a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sites {
    /// At every site.
    All,
    /// At these.
    Only(BTreeSet<SiteId>),
}

impl Sites {
    /// Whether a site is among them.
    pub fn contains(&self, site: &SiteId) -> bool {
        match self {
            Self::All => true,
            Self::Only(sites) => sites.contains(site),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Only(sites) if sites.is_empty())
    }
}

/// At which sites somebody may do a thing: lists show nothing else.
pub fn sites(grants: &[(Role, Option<SiteId>)], act: Act) -> Sites {
    let mut sites = BTreeSet::new();
    for (role, site) in grants.iter().filter(|(role, _)| may(*role, act) != May::Never) {
        debug_assert!(ROLES.contains(role));
        match site {
            None => return Sites::All,
            Some(site) => {
                sites.insert(site.clone());
            }
        }
    }
    Sites::Only(sites)
}

/// Whether somebody may do a thing anywhere: what a menu shows.
pub fn anywhere(grants: &[(Role, Option<SiteId>)], act: Act) -> bool {
    !sites(grants, act).is_empty()
}

/// Whether a role belongs to a site: a grant of it should name one.
pub fn belongs_to_site(role: Role) -> bool {
    matches!(role, Role::SiteCoordinator | Role::Investigator | Role::RadiationOncologist)
}

/// Errors: a patient or a device, who never sign in.
pub fn signs_in(role: Role) -> Result<()> {
    if ROLES.contains(&role) {
        return Ok(());
    }
    Err(Error::NeverSignsIn { role: format!("{role:?}") })
}
