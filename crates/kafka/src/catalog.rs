//! [`ImageCatalog`]: the cluster's topics, as groups see them.

use cluster::{Image, TopicInfo};
use coordinator::group::{CatalogTopic, TopicCatalog};
use model::TopicId;
use std::sync::Arc;

/// The topics of an image of the cluster.
#[derive(Debug)]
pub struct ImageCatalog(pub Arc<Image>);

impl TopicCatalog for ImageCatalog {
    fn version(&self) -> u64 {
        self.0.revision.0
    }

    fn by_name(&self, name: &str) -> Option<CatalogTopic<'_>> {
        self.0.topic(name).map(|info| topic(info))
    }

    fn by_id(&self, id: TopicId) -> Option<CatalogTopic<'_>> {
        self.0.topic_by_id(id).map(|info| topic(info))
    }

    fn topics(&self) -> Box<dyn Iterator<Item = CatalogTopic<'_>> + '_> {
        Box::new(self.0.topics.values().map(|info| topic(info)))
    }
}

fn topic(info: &TopicInfo) -> CatalogTopic<'_> {
    let partitions = u32::try_from(info.partitions.len()).unwrap_or(u32::MAX);
    CatalogTopic { id: info.id, name: info.name.as_str(), partitions }
}
