import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface FetchInit {
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly redirect?: 'manual';
}

/** Answers of these statuses have no body. */
const EMPTY = new Set([204, 205, 304]);

/**
 * As the global one, on a connection of its own and over node's client, which skips `100 Continue`: the global one ends the connection
 * there, so that who waits for a mirror for some seconds, on a busy machine, gets an error. The answer has come whole. Throws TypeError
 * where it does not come.
 */
export async function fetch(url: string | URL, init: FetchInit = {}): Promise<Response> {
  const answer = await answerOf(new URL(url), init).catch((cause: unknown) => {
    throw new TypeError('fetch failed', { cause });
  });
  const to = answer.headers.get('location');
  const isElsewhere = answer.status >= 300 && answer.status < 400 && to !== null;
  return isElsewhere && init.redirect !== 'manual' ? fetch(new URL(to, url), init) : answer;
}

function answerOf(url: URL, { headers = {}, method = 'GET' }: FetchInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, method, agent: false }, (answer) => {
      const { statusCode: status = 0, headersDistinct } = answer;
      const all = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value]),
      );
      const whole = buffer(answer).then(
        (body) => new Response(EMPTY.has(status) ? null : body, { status, headers: all }),
      );
      whole.then(resolve, reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}
