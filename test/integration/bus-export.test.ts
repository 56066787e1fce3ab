import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { writeFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createChain } from '../../src/bus/chain.ts';
import { BusWriter } from '../../src/bus/writer.ts';
import { parseEntityId } from '../../src/model/id.ts';
import { tell } from '../fixtures/temp-bus.ts';
import { binary, TestHome } from '../nika.ts';
import { endPods } from '../pods.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

/** RFC 4180, read by the letter. */
const parseCsv = (text: string): readonly Readonly<Record<string, string>>[] => {
  const rows: string[][] = [];
  const cell = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/gy;
  let row: string[] = [];
  for (let match = cell.exec(text); match !== null; match = cell.exec(text)) {
    const [, raw = '', end] = match;
    row.push(raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw);
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  const [names = [], ...others] = rows;
  return others.map((values) => Object.fromEntries(names.map((name, at) => [name, values[at] ?? ''])));
};

const writeNotes = (texts: readonly string[]): void => {
  mkdirSync(join(home.dir, '_bus'), { recursive: true });
  const writer = BusWriter.open({
    busDir: join(home.dir, '_bus'),
    runDir: join(home.dir, 'run'),
    chain: createChain(),
    segmentBytes: 1e9,
    backlog: { maxCount: 100, maxBytes: 1e6 },
  });
  for (const text of texts) tell(writer, { entity: parseEntityId('JOB-notes'), type: 'note', data: { text } });
  writer[Symbol.dispose]();
};

describe('nika bus export', () => {
  it('writes a table with fixed columns, which holds every text as it is, and no formula', async () => {
    const texts = [
      'plain',
      'a "quoted", one',
      'two\r\nlines',
      '=HYPERLINK("http://x")',
      '@SUM(A1)',
      '-1',
      'ümlaut 日本',
      '',
    ];
    writeNotes(texts);
    const { stdout, code } = await home.nika('bus', 'export', '--format', 'csv', '--type', 'note');
    expect(code).toBe(0);
    const rows = parseCsv(stdout);
    expect(rows.map(({ text }) => text)).toEqual(texts.map((text) => (/^[=@-]/.test(text) ? `'${text}` : text)));
    expect(rows[0]).toMatchObject({ type: 'note', entity: 'JOB-notes', channel: 'JOB-notes', seq: '1', redacted: '' });
    expect(JSON.parse(rows[1]?.['data'] ?? '')).toEqual({ text: texts[1] });
    expect(stdout.split('\r\n', 1)[0]).toMatch(
      /^ts,type,entity,channel,writer,seq,id,session_id,.*,cost_usd,redacted,data$/,
    );
  });

  it('takes the filters of grep, and gives the lines as they are as JSONL, compressed ones too, each once', async () => {
    home.job(
      'talk',
      '  - { id: one, tool: shell, input: { command: echo hi } }\n  - { id: two, tool: shell, input: { command: exit 3 }, continue_on_error: true }',
    );
    await home.nika('pod', 'start', 'talk');
    const [channel = ''] = readdirSync(join(home.dir, '_bus/channels'));
    const path = join(home.dir, '_bus/channels', channel);
    const lines = readFileSync(path, 'utf8');
    writeFileSync(`${path}.gz`, gzipSync(lines));
    rmSync(path);
    const all = await home.nika('bus', 'export', '--format', 'jsonl');
    expect(all.stdout).toBe(lines);
    const csv = await home.nika(
      'bus',
      'export',
      '--format',
      'csv',
      '--type',
      'tool_call',
      '--status',
      'failed',
      '--domain',
      'test',
      '--since',
      '1h',
    );
    expect(parseCsv(csv.stdout)).toMatchObject([
      { status: 'failed', tool_name: 'shell', job: 'talk', intent: 'prove' },
    ]);
    const ends = await home.nika(
      'bus',
      'export',
      '--format',
      'csv',
      '--entity-type',
      'JOB',
      '--status',
      'completed',
      '-n',
      '1',
    );
    expect(parseCsv(ends.stdout)).toMatchObject([{ type: 'job_completed', status: 'completed', from: 'in_progress' }]);
  });

  it('writes a file that is there whole or not at all, for its owner alone, and puts it over no other', async () => {
    writeNotes(['one', 'two']);
    const path = join(home.cwd, 'notes.csv');
    const first = await home.nika('bus', 'export', '--format', 'csv', '--out', 'notes.csv');
    expect(first).toMatchObject({ code: 0, stdout: '' });
    expect(first.stderr).toContain('2 lines written to');
    expect(parseCsv(readFileSync(path, 'utf8'))).toHaveLength(2);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await home.nika('bus', 'export', '--format', 'csv', '--out', 'notes.csv')).toMatchObject({ code: 2 });
    expect(await home.nika('bus', 'export', '--format', 'jsonl', '--out', 'notes.csv', '--force')).toMatchObject({
      code: 0,
    });
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(3);
    const full = await home.nika('bus', 'export', '--format', 'jsonl', '--out', '/proc/notes.csv');
    expect(full).toMatchObject({ code: 1 });
    expect(full.stderr).toContain('NIKA_EXPORT_NOT_WRITTEN');
    expect(await home.nika('bus', 'export', '--format', 'xml')).toMatchObject({ code: 2 });
    expect(readdirSync(home.cwd)).toEqual(['notes.csv']);
  });

  it('ends quietly when nobody reads on', async () => {
    writeNotes(Array.from({ length: 4_000 }, (_, nth) => `${nth} ${'x'.repeat(200)}`));
    const child = spawn('/bin/sh', ['-c', `"$0" "$1" bus export --format csv | head -n 2`, process.execPath, binary], {
      env: { PATH: process.env['PATH'], NIKA_HOME: home.dir },
    });
    let said = '';
    child.stderr.on('data', (chunk) => (said += String(chunk)));
    await once(child, 'close');
    expect(said).toBe('');
  });
});
