//! `DescribeCluster` (API key 60): brokers, controller and cluster id.
//!
//! A broker without a session is a fenced one. Sources: KIP-700, KIP-919 (endpoint types), KIP-1073.

use super::{Api, Outcome, Versions};
use crate::context::Context;
use cluster::BrokerInfo;
use kafka_protocol::{
    ResponseError,
    messages::{
        DescribeClusterRequest, DescribeClusterResponse,
        describe_cluster_response::DescribeClusterBroker,
    },
    protocol::StrBytes,
};

/// The endpoint type of brokers, the only one there is: the controller is one of them.
const BROKERS: i8 = 1;
/// The endpoint type of controllers, which listeners for clients do not have.
const CONTROLLERS: i8 = 2;

/// Handles versions 0 to 2.
pub(super) struct DescribeCluster;

impl Api for DescribeCluster {
    type Request = DescribeClusterRequest;
    type Response = DescribeClusterResponse;
    const VERSIONS: Versions = Versions::new(0, 2);

    async fn begin(
        context: Context,
        request: DescribeClusterRequest,
    ) -> Outcome<DescribeClusterResponse> {
        if request.endpoint_type != BROKERS {
            let message = "this listener has brokers only: endpoint type 1";
            let error = match request.endpoint_type {
                CONTROLLERS => ResponseError::MismatchedEndpointType,
                _ => ResponseError::UnsupportedEndpointType,
            };
            return Outcome::Ready(
                DescribeClusterResponse::default()
                    .with_error_code(error.code())
                    .with_error_message(Some(StrBytes::from_static_str(message))),
            );
        }
        Outcome::Ready(describe(&context, &request))
    }
}

fn describe(context: &Context, request: &DescribeClusterRequest) -> DescribeClusterResponse {
    let broker = context.broker();
    let image = broker.cluster.image();
    let listener = &context.connection.listener;
    let describe = |broker: &BrokerInfo| describe_broker(broker, listener);
    let live = image.brokers.values().filter_map(describe);
    let fenced = image.fenced_brokers.values().filter(|_| request.include_fenced_brokers);
    let fenced = fenced.filter_map(|broker| Some(describe(broker)?.with_is_fenced(true)));
    let response = DescribeClusterResponse::default()
        .with_cluster_id(StrBytes::from_string(image.cluster_id.to_string()))
        .with_controller_id(broker.controller_id(&image).into())
        .with_brokers(live.chain(fenced).collect());
    if request.include_cluster_authorized_operations {
        let allowed = context.authorized_cluster_operations();
        return response.with_cluster_authorized_operations(allowed);
    }
    response
}

fn describe_broker(broker: &BrokerInfo, listener: &str) -> Option<DescribeClusterBroker> {
    let endpoint = broker.endpoint(listener)?;
    Some(
        DescribeClusterBroker::default()
            .with_broker_id(broker.id.to_wire().into())
            .with_host(StrBytes::from_string(endpoint.host.clone()))
            .with_port(i32::from(endpoint.port))
            .with_rack(broker.rack.clone().map(StrBytes::from_string)),
    )
}
