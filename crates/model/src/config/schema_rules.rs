//! Which schemas a topic's records must have (`confluent.*.schema.validation`).

/// What is asked of a topic's keys and values.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SchemaRules {
    /// How subjects of keys are named; `None` takes any key (`confluent.key.schema.validation`).
    pub key: Option<SubjectNaming>,
    /// How subjects of values are named; `None` takes any value (`confluent.value.schema.validation`).
    pub value: Option<SubjectNaming>,
}

impl SchemaRules {
    /// Whether anything is asked.
    pub fn any(self) -> bool {
        self.key.is_some() || self.value.is_some()
    }
}

/// Under which subjects the schemas of a topic are registered (`confluent.*.subject.name.strategy`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SubjectNaming {
    /// `<topic>-key` and `<topic>-value`.
    Topic,
    /// The record's full name, in whatever topic it is: any subject.
    Record,
    /// `<topic>-<record's full name>`: any subject that begins so.
    TopicRecord,
}

impl SubjectNaming {
    /// The classes of Confluent's that the config takes, as clients name them.
    pub const CLASSES: [&str; 3] = [
        "io.confluent.kafka.serializers.subject.TopicNameStrategy",
        "io.confluent.kafka.serializers.subject.RecordNameStrategy",
        "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy",
    ];

    /// Reads the config's text.
    pub fn parse(text: &str) -> Option<Self> {
        let namings = [Self::Topic, Self::Record, Self::TopicRecord];
        let mut classes = Self::CLASSES.into_iter().zip(namings);
        classes.find(|(class, _)| *class == text.trim()).map(|(_, naming)| naming)
    }
}
