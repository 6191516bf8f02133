use tenant_context::{Grant, TenantContext, permission::PublishEpisode};

fn everywhere(context: &TenantContext) -> Grant<'_, PublishEpisode> {
    context.grant::<PublishEpisode>().unwrap()
}

fn main() {}
