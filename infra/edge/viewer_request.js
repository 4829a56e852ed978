// Runs at CloudFront on every request, before anything else (runtime cloudfront-js-2.0; the local cloud runs this same
// file). pusher-js asks for /app/{key}, and API Gateway refuses any path after its stage: so the key travels in the
// query. That is made anew from what the Pusher protocol knows. Whatever else a client puts there is gone, an app= of
// its own included.
function handler(event) {
    var request = event.request;
    var match = /^\/app\/([A-Za-z0-9_-]{1,64})\/?$/.exec(request.uri);
    if (request.method !== 'GET' || !match) {
        return notFound();
    }

    var query = { app: { value: match[1] } };
    ['protocol', 'client', 'version'].forEach(function (name) {
        var parameter = request.querystring[name];
        // No value that needs escaping: nobody sends one, and so no decoding on the way can turn it into an app=.
        if (parameter && /^[A-Za-z0-9_.~+-]{1,64}$/.test(parameter.value)) {
            query[name] = { value: parameter.value };
        }
    });
    request.uri = '/';
    request.querystring = query;

    // Only the edge may say who the viewer is and that the request came through it: the secret is the origin's own header.
    delete request.headers['x-hark-origin'];
    request.headers['x-hark-ip'] = { value: event.viewer.ip };
    return request;
}

function notFound() {
    return {
        statusCode: 404,
        statusDescription: 'Not Found',
        headers: {
            'content-type': { value: 'text/plain; charset=utf-8' },
            'cache-control': { value: 'no-store' }
        },
        body: 'This host serves WebSocket clients of the Pusher protocol at /app/{key}, and nothing else.\n' +
            'Publishing has a host of its own: the PublishHost output of the stack.\n'
    };
}
