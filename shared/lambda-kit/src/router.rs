//! Routes: method and path → operation.

use std::{future::ready, pin::Pin, sync::Arc};

use http::{HeaderValue, Method, StatusCode, header};
use lambda_http::{IntoResponse, service_fn};

use crate::{Problem, Reply, Request, rate_limit};

type Answer = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

struct Route<A> {
    method: Method,
    path: &'static str,
    operation: Box<dyn Fn(Arc<A>, Request) -> Answer + Send + Sync>,
}

/// The routes of a function.
pub struct Router<A> {
    routes: Vec<Route<A>>,
}

impl<A: Send + Sync + 'static> Router<A> {
    /// No routes.
    pub fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Adds a route. `path` is written as in the template: `/v1/shows/{show}`.
    #[must_use]
    pub fn route<F>(
        mut self,
        method: Method,
        path: &'static str,
        operation: impl Fn(Arc<A>, Request) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Reply, Problem>> + Send + 'static,
    {
        let operation = Box::new(move |app, request| Box::pin(operation(app, request)) as Answer);
        self.routes.push(Route { method, path, operation });
        self
    }

    /// Every route as `METHOD /path`.
    pub fn list(&self) -> Vec<String> {
        self.routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect()
    }

    /// Answers a request: always, and always with its id; and with its rate limits, where it was counted.
    pub async fn answer(&self, app: &Arc<A>, request: lambda_http::Request) -> Reply {
        let request = Request::new(request);
        let request_id = request.request_id.clone();
        let standing = Arc::clone(&request.standing);
        let mut reply = match self.dispatch(app, request).await {
            Ok(reply) => reply,
            Err(problem) => problem.into_response(&request_id),
        };
        if let Ok(id) = HeaderValue::try_from(request_id) {
            reply.headers_mut().insert("x-request-id", id);
        }
        if let Some(standing) = standing.get() {
            rate_limit::write(standing, reply.headers_mut());
        }
        reply
    }

    async fn dispatch(&self, app: &Arc<A>, mut request: Request) -> Result<Reply, Problem> {
        request.check_size()?;

        let mut allowed = Vec::new();
        for route in &self.routes {
            let Some(parameters) = matches(route.path, &request.path) else { continue };
            if route.method == request.method {
                request.parameters = parameters;
                return (route.operation)(Arc::clone(app), request).await;
            }
            allowed.push(route.method.as_str());
        }

        if allowed.is_empty() { Err(Problem::not_found()) } else { Ok(not_allowed(&request, &allowed)) }
    }
}

impl<A: Send + Sync + 'static> Default for Router<A> {
    fn default() -> Self {
        Self::new()
    }
}

fn not_allowed(request: &Request, allowed: &[&str]) -> Reply {
    let allowed = allowed.join(", ");
    let mut reply = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Method not allowed",
        format!("This address answers to {allowed}."),
    )
    .into_response(&request.request_id);
    if let Ok(allowed) = HeaderValue::try_from(allowed) {
        reply.headers_mut().insert(header::ALLOW, allowed);
    }
    reply
}

fn matches(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut parameters = Vec::new();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => parameters.push((name, segment.to_owned())),
            None if expected == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(parameters)
}

/// Lists a function's routes, and lets their operations describe themselves. A route without a description does not compile.
///
/// An operation is a module of that name in the same folder, or `in` another; its `operationId` is its name, or another that
/// `as` gives it.
#[macro_export]
macro_rules! routes {
    (
        $(#[$routes_doc:meta])* pub fn $routes:ident() -> Router<$app:ty>;
        $(#[$operations_doc:meta])* pub fn $operations:ident();
        $($route:tt)*
    ) => {
        $crate::routes! {
            $(#[$routes_doc])* pub fn $routes() -> Router<$app>;
            $(#[$operations_doc])* pub fn $operations() in "";
            $($route)*
        }
    };
    (
        $(#[$routes_doc:meta])* pub fn $routes:ident() -> Router<$app:ty>;
        $(#[$operations_doc:meta])* pub fn $operations:ident() in $folder:literal;
        $($method:ident $path:literal => $operation:ident $(as $id:ident)?,)*
    ) => {
        $(#[$routes_doc])*
        pub fn $routes() -> $crate::Router<$app> {
            $crate::Router::new()$(.route($crate::Method::$method, $path, $operation::$operation))*
        }

        $(#[$operations_doc])*
        pub fn $operations() -> ::std::vec::Vec<$crate::openapi::Operation> {
            ::std::vec![$($operation::describe($crate::openapi::Operation::new(
                $crate::Method::$method,
                $path,
                $crate::routes!(@id $operation $($id)?),
                ::std::include_str!(::std::concat!($folder, ::std::stringify!($operation), ".rs")),
            )),)*]
        }
    };
    (@id $operation:ident) => { ::std::stringify!($operation) };
    (@id $operation:ident $id:ident) => { ::std::stringify!($id) };
}

/// Answers requests from API Gateway until Lambda ends the process.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn serve<A: Send + Sync + 'static>(app: A, router: Router<A>) -> Result<(), lambda_http::Error> {
    let app = Arc::new(app);
    let router = Arc::new(router);
    lambda_http::run(service_fn(move |request| {
        let (app, router) = (Arc::clone(&app), Arc::clone(&router));
        async move { Ok::<_, std::convert::Infallible>(AsIs(router.answer(&app, request).await)) }
    }))
    .await
}

/// Text stays text and bytes stay bytes: on its own, `lambda_http` goes by the content type. It takes for binary what has a type
/// that it does not know, and for text what is called text, even where a range has cut a character in two.
struct AsIs(Reply);

impl IntoResponse for AsIs {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
        Box::pin(ready(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_whole_segments() {
        assert_eq!(
            matches("/v1/shows/{show}/episodes", "/v1/shows/shw_1/episodes"),
            Some(vec![("show", "shw_1".to_owned())])
        );
        for path in ["/v1/shows/shw_1", "/v1/shows/shw_1/episodes/", "/v1/shows/a/b/episodes", "/v1/shows"] {
            assert_eq!(matches("/v1/shows/{show}/episodes", path), None, "{path}");
        }
    }
}
