//! What is asked for, as the page writes it into the address.

use crate::refused::Refused;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Records in one answer at most.
const LIMIT: usize = 500;
/// Bytes of a key or value that a list shows, at most.
const CUT: usize = 16 << 10;

/// Which records.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct RecordsQuestion {
    pub(crate) topic: String,
    /// One partition; all when it is missing.
    pub(crate) partition: Option<i32>,
    /// `beginning`, `end`, `offset:N`, `time:MILLISECONDS`, or `positions:PARTITION=OFFSET,…` to go on from an answer's `next`.
    #[serde(default)]
    from: String,
    limit: Option<usize>,
    cut: Option<usize>,
    /// Text that key, value or a header contains.
    #[serde(default)]
    contains: String,
}

/// Where to begin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum From {
    Beginning,
    /// The last records there are.
    End,
    Offset(i64),
    /// In ms since 1970.
    Time(i64),
    /// By partition; those that are missing are not read.
    Positions(BTreeMap<i32, i64>),
}

/// A question with its bounds.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    pub(crate) from: From,
    pub(crate) limit: usize,
    pub(crate) cut: usize,
    pub(crate) contains: Vec<u8>,
}

impl RecordsQuestion {
    /// # Errors
    /// A place to begin that is none.
    pub(crate) fn search(&self) -> Result<Search, Refused> {
        Ok(Search {
            from: From::parse(&self.from)?,
            limit: self.limit.unwrap_or(100).clamp(1, LIMIT),
            cut: self.cut.unwrap_or(1_024).min(CUT),
            contains: self.contains.clone().into_bytes(),
        })
    }
}

impl From {
    fn parse(text: &str) -> Result<Self, Refused> {
        let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
        let parsed = match text.split_once(':') {
            None if text == "beginning" => Some(Self::Beginning),
            None if text == "end" || text.is_empty() => Some(Self::End),
            Some(("offset", offset)) => number(offset).map(Self::Offset),
            Some(("time", time)) => number(time).map(Self::Time),
            Some(("positions", positions)) => {
                let place = |text: &str| {
                    let (partition, offset) = text.split_once('=')?;
                    Some((partition.parse::<i32>().ok()?, number(offset)?))
                };
                let places = positions.split(',').filter(|it| !it.is_empty()).map(place);
                places.collect::<Option<BTreeMap<i32, i64>>>().map(Self::Positions)
            }
            _ => None,
        };
        parsed.ok_or_else(|| {
            Refused::bad_request(
                "from: beginning, end, offset:N, time:MILLISECONDS or positions:P=N,…",
            )
        })
    }
}

/// One record.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RecordQuestion {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

/// The bytes of a part of one record.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct BytesQuestion {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// `key` or `value`.
    pub(crate) part: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_to_begin_is_read() {
        assert_eq!(From::parse(""), Ok(From::End));
        assert_eq!(From::parse("beginning"), Ok(From::Beginning));
        assert_eq!(From::parse("offset:7"), Ok(From::Offset(7)));
        assert_eq!(From::parse("time:1700000000000"), Ok(From::Time(1_700_000_000_000)));
        let positions = From::Positions(BTreeMap::from([(0, 5), (3, 9)]));
        assert_eq!(From::parse("positions:0=5,3=9"), Ok(positions));
        for wrong in
            ["begin", "offset:", "offset:-1", "time:x", "positions:0", "positions:0=-1", "a:b"]
        {
            assert!(From::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_question_is_without_bounds() {
        let question = RecordsQuestion {
            limit: Some(usize::MAX),
            cut: Some(usize::MAX),
            ..RecordsQuestion::default()
        };
        let search = question.search().unwrap();
        assert_eq!((search.limit, search.cut), (LIMIT, CUT));
        let nothing = RecordsQuestion { limit: Some(0), ..RecordsQuestion::default() };
        assert_eq!(nothing.search().unwrap().limit, 1);
    }
}
