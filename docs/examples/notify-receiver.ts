/** Takes the notifications of nika: verifies who sent them, and says each once. HOOK_SECRET=whsec_… node notify-receiver.ts 8080 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';

const [port = '8080'] = process.argv.slice(2);
const key = Buffer.from((process.env['HOOK_SECRET'] ?? '').replace(/^whsec_/, ''), 'base64');
const seen = new Set<string>(); // a try that was answered too late is sent again, with the same id

const headerOf = ({ headers }: IncomingMessage, name: string): string => String(headers[`webhook-${name}`] ?? '');

const isFromNika = (request: IncomingMessage, body: string): boolean => {
  const [id, timestamp] = [headerOf(request, 'id'), headerOf(request, 'timestamp')];
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false; // sent again by somebody who listened
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  const [given, wanted] = [headerOf(request, 'signature'), `v1,${mac}`].map((text) => Buffer.from(text));
  return given?.length === wanted?.length && timingSafeEqual(given ?? key, wanted ?? key);
};

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
  if (!isFromNika(request, body)) return void response.writeHead(401).end();
  response.writeHead(204).end();
  const id = headerOf(request, 'id');
  if (seen.has(id)) return;
  seen.add(id);
  const { data } = JSON.parse(body) as { data: { title: string; text: string } };
  process.stdout.write(`${data.title}\n${data.text}\n\n`);
});
server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`listening on ${port}\n`));
