import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpTool } from './http.ts';
import type { ToolResult } from './tool.ts';

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
};

let base = '';
let otherBase = '';

const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { pathname, searchParams } = new URL(request.url ?? '/', base);
  const to = (status: number, location: string) => response.writeHead(status, { location }).end();
  switch (pathname) {
    case '/echo': {
      const { method, headers } = request;
      response.setHeader('content-type', 'application/json; charset=utf-8');
      response.end(JSON.stringify({ method, headers, body: await bodyOf(request) }));
      return;
    }
    case '/text':
      response.setHeader('content-type', 'text/plain').end('grüße');
      return;
    case '/not-json':
      response.setHeader('content-type', 'application/json').end('{oops');
      return;
    case '/large':
      response.setHeader('content-type', 'application/json').end(`"${'x'.repeat(3_000_000)}"`);
      return;
    case '/endless': {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
      };
      response.on('drain', more);
      more();
      return;
    }
    case '/gzip':
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('packed'));
      return;
    case '/hop': {
      const left = Number(searchParams.get('left'));
      to(302, left === 0 ? '/text' : `/hop?left=${left - 1}`);
      return;
    }
    case '/see-other':
      to(303, '/echo');
      return;
    case '/keep':
      to(307, '/echo');
      return;
    case '/elsewhere':
      to(307, `${otherBase}/echo`);
      return;
    case '/to-file':
      to(302, 'file:///etc/passwd');
      return;
    case '/half':
      response.write('half of it');
      return;
    case '/cut':
      response.writeHead(200, { 'content-length': '100' }).write('half');
      setTimeout(() => response.destroy(), 20);
      return;
    default:
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"none"}');
  }
};

const serve = async (): Promise<Server> => {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const urlOf = (server: Pick<Server, 'address'>): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** Takes connections and bytes, and never says anything. */
const silent = createTcpServer((socket) => sockets.push(socket));
const sockets: Socket[] = [];
let servers: readonly Server[] = [];

beforeAll(async () => {
  servers = [await serve(), await serve()];
  [base = '', otherBase = ''] = servers.map(urlOf);
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  silent.close();
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});

const http = (input: object, signal = new AbortController().signal): Promise<ToolResult> =>
  httpTool.run(httpTool.inputSchema.parse(input), { cwd: '/', env: {}, signal });

const echoed = async (input: object): Promise<{ method?: string; headers?: Record<string, string>; body?: string }> => {
  const result = await http(input);
  return result.ok ? (result.output as object) : { body: result.error };
};

describe('http: the request', () => {
  it('sends method, headers and a text body as they are', async () => {
    const sent = { method: 'PUT', url: `${base}/echo`, headers: { 'X-One': '1' }, body: 'grüße' };
    expect(await echoed(sent)).toMatchObject({ method: 'PUT', headers: { 'x-one': '1' }, body: 'grüße' });
  });

  it('sends any other body as JSON, with its type', async () => {
    const sent = { method: 'POST', url: `${base}/echo`, body: { a: [1, null] } };
    expect(await echoed(sent)).toMatchObject({
      headers: { 'content-type': 'application/json' },
      body: '{"a":[1,null]}',
    });
    const typed = { ...sent, headers: { 'Content-Type': 'application/ld+json' } };
    expect(await echoed(typed)).toMatchObject({ headers: { 'content-type': 'application/ld+json' } });
  });

  it('sends the login of an address as basic authorization', async () => {
    const url = `${base.replace('//', '//me:p%40ss@')}/echo`;
    expect(await echoed({ url })).toMatchObject({ headers: { authorization: `Basic ${btoa('me:p@ss')}` } });
  });

  it('shows the address in the live view without login and query', () => {
    const input = httpTool.inputSchema.parse({ method: 'POST', url: 'https://me:pw@example.com/a?token=s' });
    expect(httpTool.describe(input)).toBe('POST https://example.com/a');
  });
});

describe('http: the answer', () => {
  it('is text, or parsed where its type says JSON and it is', async () => {
    expect(await http({ url: `${base}/text` })).toMatchObject({
      ok: true,
      output: 'grüße',
      response: { status: 200, body: 'grüße', bytes: 7, truncated: false, headers: { 'content-type': 'text/plain' } },
    });
    expect(await http({ url: `${base}/not-json` })).toMatchObject({ ok: true, output: '{oops' });
    expect(await http({ url: `${base}/gzip` })).toMatchObject({ ok: true, output: 'packed' });
  });

  it('is a failure where the status is none of the good ones, with what the server said', async () => {
    expect(await http({ url: `${base}/none?secret=1` })).toMatchObject({
      ok: false,
      error: `HTTP 404 Not Found from GET ${base}/none`,
      response: { status: 404, body: '{"error":"none"}' },
    });
    expect(await http({ url: `${base}/none`, ok_status: [404] })).toMatchObject({
      ok: true,
      output: { error: 'none' },
    });
    expect(await http({ url: `${base}/text`, ok_status: [404] })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/200/),
    });
  });

  it('G6: is cut at its cap, also where it never ends, and says so', async () => {
    const endless = await http({ url: `${base}/endless`, max_bytes: 100_000 });
    expect(endless).toMatchObject({ ok: true, response: { bytes: 100_000, truncated: true } });
    const result = await http({ url: `${base}/large` });
    expect(result).toMatchObject({ ok: true, response: { bytes: 1024 * 1024, truncated: true } });
    expect(result.ok && String(result.output).length).toBe(1024 * 1024);
  });
});

describe('http: redirects', () => {
  it('follows five, not six', async () => {
    expect(await http({ url: `${base}/hop?left=4` })).toMatchObject({ ok: true, output: 'grüße' });
    expect(await http({ url: `${base}/hop?left=5` })).toEqual({ ok: false, error: 'more than 5 redirects' });
  });

  it('asks with GET where the server says "see other", and again the same way where it says so', async () => {
    const post = { method: 'POST', body: 'text' };
    expect(await echoed({ ...post, url: `${base}/see-other` })).toMatchObject({ method: 'GET', body: '' });
    expect(await echoed({ ...post, url: `${base}/keep` })).toMatchObject({ method: 'POST', body: 'text' });
  });

  it('does not hand a secret for one server to another', async () => {
    const secrets = { authorization: 'Bearer s', cookie: 'c=1', 'x-api-key': 'k', 'private-token': 't' };
    const headers = { ...secrets, accept: 'text/x', 'user-agent': 'me', 'accept-language': 'eo' };
    const elsewhere = await echoed({ url: `${base}/elsewhere`, headers });
    expect(elsewhere.headers).toMatchObject({ accept: 'text/x', 'user-agent': 'me', 'accept-language': 'eo' });
    for (const name of Object.keys(secrets)) expect(Object.keys(elsewhere.headers ?? {})).not.toContain(name);
    expect((await echoed({ url: `${base}/keep`, headers })).headers).toMatchObject({ authorization: 'Bearer s' });
  });

  it('does not hand a body for one server to another', async () => {
    const error = `sent on with its body to another server, ${otherBase}: if you trust it, give its address in "url"`;
    expect(await http({ method: 'POST', url: `${base}/elsewhere`, body: 'text' })).toEqual({ ok: false, error });
    expect(await echoed({ method: 'DELETE', url: `${base}/elsewhere` })).toMatchObject({ method: 'DELETE', body: '' });
  });

  it('does not leave http', async () => {
    const error = 'only http and https are spoken, not file: file:///etc/passwd';
    expect(await http({ url: `${base}/to-file` })).toEqual({ ok: false, error });
  });
});

describe('http: servers that misbehave', () => {
  it('ends in time where the server takes the request and never answers', async () => {
    const startedAtMs = performance.now();
    const result = await http({ url: urlOf(silent), timeout: '200ms' });
    expect(result).toEqual({ ok: false, error: 'no whole answer within 0.2 s' });
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  });

  it('ends in time where the answer stops half way', async () => {
    expect(await http({ url: `${base}/half`, timeout: '200ms' })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/within/),
    });
    expect(await http({ url: `${base}/cut` })).toMatchObject({ ok: false, error: expect.stringMatching(/\w/) });
  });

  it('ends at once on an abort, also before it began', async () => {
    const controller = new AbortController();
    const running = http({ url: urlOf(silent) }, controller.signal);
    await once(silent, 'connection');
    controller.abort();
    expect(await running).toEqual({ ok: false, error: 'Interrupted', isInterrupt: true });
    expect(await http({ url: base }, AbortSignal.abort())).toMatchObject({ isInterrupt: true });
  });

  it('says why there is no connection', async () => {
    const closed = await serve();
    const url = urlOf(closed);
    closed.close();
    await once(closed, 'close');
    const { host, port } = new URL(url);
    expect(await http({ url })).toEqual({ ok: false, error: `connect ECONNREFUSED ${host}` });
    expect(await http({ url: `http://localhost:${port}` })).toMatchObject({
      error: expect.stringContaining('ECONNREFUSED'),
    });
    expect(await http({ url: 'http://127.0.0.1:22/' })).toMatchObject({ error: expect.stringContaining('port') });
    expect(await http({ url: base, method: 'GET', body: 'x' })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/body/),
    });
  });
});
