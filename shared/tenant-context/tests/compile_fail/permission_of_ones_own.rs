struct Everything;

impl tenant_context::Permission for Everything {
    const ACTION: tenant_context::Action = tenant_context::Action::ReadShows;
}

fn main() {}
