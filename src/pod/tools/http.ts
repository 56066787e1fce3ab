/**
 * Owns the tool `http`: one request with the built-in fetch.
 *
 * T1. The time limit holds for all of it: connection, redirects, headers and body.
 * T2. What the caller gave for one server goes to no other: a redirect elsewhere keeps the few headers that tell nothing, and
 *     one that asks for the body again is not followed.
 */
import { type HttpInput, TOOL_INPUT_SCHEMAS } from '../../config/job/tool-inputs.ts';
import { parseDurationMs } from '../../config/quantity.ts';
import { errnoOf, errorMessage } from '../../model/error.ts';
import { interrupted, type JsonObject, oneLine, type Tool, type ToolContext, type ToolResult } from './tool.ts';

const MAX_REDIRECTS = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** All else may be a secret under a name of its own (`x-api-key`). */
const FOR_ANY_SERVER: readonly string[] = ['accept', 'accept-language', 'cache-control', 'content-type', 'user-agent'];

interface Request {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | undefined;
}

type Step<T> = ({ readonly kind: 'ok' } & T) | { readonly kind: 'refused'; readonly error: string };

const parseUrl = (text: string, base?: URL): Step<{ readonly url: URL }> => {
  const url = URL.parse(text, base?.href);
  if (url === null) return { kind: 'refused', error: `not a URL: ${text}` };
  if (url.protocol === 'http:' || url.protocol === 'https:') return { kind: 'ok', url };
  return { kind: 'refused', error: `only http and https are spoken, not ${url.protocol.slice(0, -1)}: ${text}` };
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone percent sign in a password is meant as it stands
  }
};

/** @throws what `Headers` throws for a name or value that cannot stand in a header. */
const toRequest = (url: URL, input: HttpInput): Request => {
  const headers = new Headers(Object.entries(input.headers));
  const { body } = input;
  if (body !== undefined && typeof body !== 'string' && !headers.has('content-type')) {
    headers.set('content-type', 'application/json');
  }
  if ((url.username !== '' || url.password !== '') && !headers.has('authorization')) {
    const login = Buffer.from(`${decoded(url.username)}:${decoded(url.password)}`).toString('base64');
    headers.set('authorization', `Basic ${login}`);
  }
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return { url: withoutLogin(url), method: input.method, headers, body: text };
};

/** fetch refuses URLs with a login in them. */
const withoutLogin = (url: URL): URL => {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain;
};

/** The request that a redirect asks for, as browsers and curl make it; to another server with less (T2). */
const redirected = (request: Request, status: number, url: URL): Step<{ readonly next: Request }> => {
  const isElsewhere = url.origin !== request.url.origin;
  const kept = [...request.headers].filter(([name]) => !isElsewhere || FOR_ANY_SERVER.includes(name)); // T2
  const headers = new Headers(kept);
  const isPost = request.method === 'POST';
  const becomesGet = (status === 303 && request.method !== 'HEAD') || ((status === 301 || status === 302) && isPost);
  if (becomesGet) {
    for (const name of ['content-type', 'content-length', 'content-encoding']) headers.delete(name);
    return { kind: 'ok', next: { url: withoutLogin(url), method: 'GET', headers, body: undefined } };
  }
  if (isElsewhere && request.body !== undefined) {
    const error = `sent on with its body to another server, ${url.origin}: if you trust it, give its address in "url"`;
    return { kind: 'refused', error }; // T2
  }
  return { kind: 'ok', next: { ...request, url: withoutLogin(url), headers } };
};

/** The answer after at most 5 redirects. @throws what fetch throws. */
const send = async (
  first: Request,
  signal: AbortSignal,
): Promise<Step<{ readonly answer: Response; readonly url: URL }>> => {
  let request = first;
  for (let count = 0; count <= MAX_REDIRECTS; count += 1) {
    const { url, method, headers, body } = request;
    const answer = await fetch(url, { method, headers, body: body ?? null, redirect: 'manual', signal });
    const location = REDIRECTS.includes(answer.status) ? answer.headers.get('location') : null;
    if (location === null) return { kind: 'ok', answer, url };
    await answer.body?.cancel();
    const target = parseUrl(location, url);
    if (target.kind === 'refused') return target;
    const again = redirected(request, answer.status, target.url);
    if (again.kind === 'refused') return again;
    request = again.next;
  }
  return { kind: 'refused', error: `more than ${MAX_REDIRECTS} redirects` };
};

interface Body {
  readonly bytes: Buffer;
  readonly truncated: boolean;
}

const readBody = async (answer: Response, maxBytes: number): Promise<Body> => {
  const chunks: Uint8Array[] = [];
  let total = 0;
  // To leave the loop early cancels the rest.
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk);
    total += chunk.length;
    if (total > maxBytes) break;
  }
  return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), truncated: total > maxBytes };
};

const parseBody = (text: string, contentType: string): unknown => {
  if (!/^[^;]*[/+]json\s*(;|$)/i.test(contentType)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text; // cut, or not what its type says: the text is all there is
  }
};

const headersOf = (headers: Headers): JsonObject => Object.fromEntries(headers);

/** What fetch throws says little itself; its cause does. A name of several addresses fails once for each: the first counts. */
const whyNotSent = (thrown: unknown): string => {
  let cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  if (cause instanceof AggregateError) cause = cause.errors[0] ?? cause;
  const message = errorMessage(cause);
  if (message === 'bad port') return 'fetch does not speak to that port: it belongs to another protocol';
  return message === '' ? (errnoOf(cause) ?? 'the request failed') : message;
};

const isFine = (status: number, input: HttpInput): boolean =>
  input.ok_status?.includes(status) ?? (status >= 200 && status < 300);

const call = async (input: HttpInput, signal: AbortSignal): Promise<ToolResult> => {
  const parsed = parseUrl(input.url);
  if (parsed.kind === 'refused') return { ok: false, error: parsed.error };
  const sent = await send(toRequest(parsed.url, input), signal);
  if (sent.kind === 'refused') return { ok: false, error: sent.error };
  const { answer, url } = sent;
  const { bytes, truncated } = await readBody(answer, input.max_bytes);
  const text = bytes.toString('utf8');
  const response: JsonObject = {
    status: answer.status,
    url: url.href,
    headers: headersOf(answer.headers),
    body: text,
    bytes: bytes.length,
    truncated,
  };
  if (isFine(answer.status, input)) {
    return { ok: true, response, output: parseBody(text, answer.headers.get('content-type') ?? '') };
  }
  const what = `HTTP ${answer.status} ${answer.statusText}`.trim();
  return { ok: false, error: `${what} from ${input.method} ${url.origin}${url.pathname}`, response };
};

const run = async (input: HttpInput, context: ToolContext): Promise<ToolResult> => {
  if (context.signal.aborted) return interrupted();
  const timeoutMs = parseDurationMs(input.timeout) ?? 0;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs); // T1
  try {
    return await call(input, AbortSignal.any([context.signal, late.signal]));
  } catch (thrown) {
    if (context.signal.aborted) return interrupted();
    if (late.signal.aborted) return { ok: false, error: `no whole answer within ${timeoutMs / 1000} s` };
    return { ok: false, error: whyNotSent(thrown) };
  } finally {
    clearTimeout(timer);
  }
};

/** Without login and query: the live view is seen by others. */
const describe = (input: HttpInput): string => {
  const url = URL.parse(input.url);
  return oneLine(`${input.method} ${url === null ? input.url : `${url.origin}${url.pathname}`}`);
};

export const httpTool: Tool<HttpInput> = { name: 'http', inputSchema: TOOL_INPUT_SCHEMAS.http, describe, run };
