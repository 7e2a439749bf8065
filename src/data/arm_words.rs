//! Words by which logs and rule files of three languages call the control and what is tried.

/// What a name says of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArmWord {
    /// It is in production.
    Control,
    /// It is being tried.
    Treatment,
}

/// Words for what is in production.
const CONTROL: [&str; 20] = [
    "control",
    "baseline",
    "stable",
    "champion",
    "old",
    "production",
    "prod",
    "current",
    "primary",
    "blue",
    "a",
    "a안",
    "对照",
    "對照",
    "基线",
    "旧版",
    "舊版",
    "대조군",
    "기존",
    "구버전",
];
/// Words for what is tried.
const TREATMENT: [&str; 22] = [
    "treatment",
    "canary",
    "candidate",
    "challenger",
    "new",
    "experiment",
    "experimental",
    "preview",
    "green",
    "b",
    "b안",
    "实验",
    "實驗",
    "候选",
    "候選",
    "新版",
    "金丝雀",
    "金絲雀",
    "실험군",
    "신규",
    "신버전",
    "카나리",
];

impl ArmWord {
    /// Its words, lower case.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::Control => &CONTROL,
            Self::Treatment => &TREATMENT,
        }
    }

    /// Whether the whole of a lower-case name is one of its words, or such a word for a group.
    pub fn is_name(self, name: &str) -> bool {
        self.words().contains(&name.trim_end_matches(['组', '組']))
    }

    /// Whether a lower-case name has one of its words: between other signs than letters, in scripts that
    /// write no spaces anywhere. Single letters are too often something else.
    pub fn is_in(self, name: &str) -> bool {
        let has = |word: &&str| {
            if word.is_ascii() {
                let mut parts = name.split(|c: char| !c.is_alphanumeric());
                word.len() > 1 && parts.any(|part| part == *word)
            } else {
                name.contains(*word)
            }
        };
        self.words().iter().any(has)
    }
}

#[cfg(test)]
mod tests {
    use super::ArmWord::{Control, Treatment};

    #[test]
    fn words_stand_between_signs_and_anywhere_without_spaces() {
        assert!(Treatment.is_in("gpt-x-canary") && Control.is_in("모델 기존"));
        assert!(Control.is_in("模型甲-对照组") && !Treatment.is_in("模型甲-对照组"));
        assert!(!Control.is_in("goldfish") && !Control.is_in("plan a"));
    }

    #[test]
    fn whole_names_may_be_letters_and_groups() {
        assert!(Control.is_name("a") && Treatment.is_name("b안") && Treatment.is_name("實驗組"));
        assert!(!Control.is_name("plan-a") && !Treatment.is_name("new model"));
    }
}
