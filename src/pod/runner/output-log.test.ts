import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBodyEncoder } from '../../recorder/body.ts';
import { OutputLog } from './output-log.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-output-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const encoder = createBodyEncoder({ maxBodyBytes: 1024 ** 2, patterns: [] });

/** What is in the file after the pieces were written to it. */
const written = async (pieces: Iterable<Buffer>): Promise<string> => {
  const log = new OutputLog({
    logsDir: dir,
    session: 's',
    maxBytes: 1e9,
    clean: (text) => encoder.encodeText(text).text,
  });
  for (const piece of pieces) log.push('stdout', piece);
  await log.flush();
  log.close();
  return readFileSync(join(dir, 's.stdout'), 'utf8');
};

const inPieces = (text: string, size: number): readonly Buffer[] => {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
};

const TOKEN = `ghp_${'A1b2C3d4E5'.repeat(4).slice(0, 36)}`;

describe('G7: what a program writes, in whatever pieces it comes', () => {
  it.each([1, 7, 4096, 65_536, 100_000])('in pieces of %i bytes, keeps no secret and all else', async (size) => {
    const lines = Array.from({ length: size === 1 ? 300 : 20_000 }, (_, at) => `line ${at} token ${TOKEN} end`);
    const text = await written(inPieces(`${lines.join('\n')}\n`, size));
    expect(text).not.toContain('A1b2C3d4E5A1b2C3d4');
    expect(text.split('\n')).toHaveLength(lines.length + 1);
    expect(text).toContain(`line ${lines.length - 1} token `);
  });

  it('in one line without end, keeps no secret either: it is cut between words', async () => {
    const text = await written(inPieces(`word ${TOKEN} `.repeat(10_000), 65_536));
    expect(text).not.toContain('A1b2C3d4E5A1b2C3d4');
    expect(text.match(/word/g)).toHaveLength(10_000);
  });

  it('keeps no private key, which stands on several lines', async () => {
    const body = Array.from({ length: 30 }, () => 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7').join('\n');
    const key = `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----`;
    const text = await written(inPieces(`before\n${key}\nafter\n`, 100));
    expect(text).not.toContain('MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7');
    expect(text).toMatch(/^before\n[^]*\nafter\n$/);
  });
});
