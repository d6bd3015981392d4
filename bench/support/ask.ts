import { once } from 'node:events';
import { type Agent, get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';

export const JSON_PAGE = { Accept: 'application/vnd.pypi.simple.v1+json' };

/** One request, on a connection of its own unless an agent keeps one, whose certificate is not looked at; throws where the answer is no 200 or 304. */
export async function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  agent: Agent | false = false,
): Promise<{ readonly response: IncomingMessage; readonly body: Buffer }> {
  const asked = url.startsWith('https:')
    ? getHttps(url, { headers, agent: false, rejectUnauthorized: false })
    : getHttp(url, { headers, agent });
  const [response]: IncomingMessage[] = await once(asked, 'response');
  if (response === undefined) throw new Error(`${url}: no answer`);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (response.statusCode !== 200 && response.statusCode !== 304)
    throw new Error(`${url}: ${response.statusCode} ${body.toString('utf8', 0, 400)}`);
  return { response, body };
}
