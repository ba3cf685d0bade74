//! Requests of `object_store` through this program's own client.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use object_store::ClientOptions;
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest,
    HttpResponse, HttpResponseBody, HttpService,
};
use ureq::http::{Request, Response};

use super::web::{Answer, Server, Web, WebError};

/// Connector of stores.
#[derive(Debug)]
pub(super) struct Connector(pub(super) Arc<Web>);

/// Service for the requests of one store.
#[derive(Debug)]
struct Service {
    web: Arc<Web>,
    allows_http: bool,
}

type Answered<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let allows_http = options.get_config_value(&ClientConfigKey::AllowHttp);
        let allows_http = allows_http.is_some_and(|value| value == "true");
        Ok(HttpClient::new(Service { web: Arc::clone(&self.0), allows_http }))
    }
}

impl HttpService for Service {
    fn call<'a, 'b>(&'a self, request: HttpRequest) -> Answered<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        // The thread that reads a range only waits for it, so it may block.
        Box::pin(ready(self.answer(request)))
    }
}

impl Service {
    fn answer(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // `object_store` must not repeat the request: the client already has.
        let failed = |error: WebError| HttpError::new(HttpErrorKind::Unknown, error);
        let (parts, body) = request.into_parts();
        if parts.uri.scheme_str() == Some("http") && !self.allows_http {
            let message = "its endpoint is http://, which does not protect the packets; allow it \
                           with AWS_ALLOW_HTTP=true, or AZURE_ALLOW_HTTP, GOOGLE_ALLOW_HTTP";
            return Err(failed(WebError::Refused(message.to_owned())));
        }
        let body = body.as_bytes().map(|bytes| bytes.to_vec()).unwrap_or_default();
        let request = Request::from_parts(parts, body);
        let Answer { status, headers, body } =
            self.web.answer(&request, Server::Store).map_err(failed)?;
        let mut response = Response::new(HttpResponseBody::from(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// Wakes a thread that waits for a future.
struct ThreadWaker(Thread);

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Completes a future in this thread, which its requests block.
pub(super) fn completed<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(future);
    let waker = Waker::from(Arc::new(ThreadWaker(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
