import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { searchTool } from './search.ts';
import type { ToolResult } from './tool.ts';

let dir = '';
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'nika-search-')));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const search = (input: object, signal = new AbortController().signal): Promise<ToolResult> =>
  searchTool.run(searchTool.inputSchema.parse(input), { cwd: dir, env: {}, signal });

const put = async (path: string, content: string | Uint8Array): Promise<void> => {
  await mkdir(join(dir, path, '..'), { recursive: true });
  await writeFile(join(dir, path), content);
};

describe('search', () => {
  it('gives path, line, column and text of each line that matches, files in order', async () => {
    await put('b.txt', 'one\r\n  TODO two\r\nTODO three TODO');
    await put('a/x.md', '# todo\n');
    expect(await search({ pattern: 'todo', flags: 'i' })).toMatchObject({
      ok: true,
      output: [
        { path: 'a/x.md', line: 1, column: 3, text: '# todo' },
        { path: 'b.txt', line: 2, column: 3, text: '  TODO two' },
        { path: 'b.txt', line: 3, column: 1, text: 'TODO three TODO' },
      ],
      response: {
        truncated: false,
        files_searched: 2,
        skipped: { binary: 0, too_large: 0, unreadable: 0, too_slow: [] },
      },
    });
  });

  it('searches below a folder, in one file, and in files that a glob names; paths are those that read_file takes', async () => {
    for (const path of ['src/a.ts', 'src/b.js', '.env', 'node_modules/m/x.ts']) await put(path, 'hit\n');
    const paths = async (input: object): Promise<unknown> => {
      const result = await search({ pattern: 'hit', ...input });
      return result.ok ? (result.output as readonly { path: string }[]).map(({ path }) => path) : result.error;
    };
    expect(await paths({})).toEqual(['.env', 'src/a.ts', 'src/b.js']);
    expect(await paths({ glob: '**/*.ts' })).toEqual(['src/a.ts']);
    expect(await paths({ path: 'src' })).toEqual(['src/a.ts', 'src/b.js']);
    expect(await paths({ path: 'src/b.js' })).toEqual(['src/b.js']);
    expect(await paths({ path: join(dir, 'src'), glob: '*.js' })).toEqual([join(dir, 'src/b.js')]);
    expect(await paths({ path: 'none' })).toBe(`${dir}/none does not exist`);
  });

  it('G3: passes over binary and very large files and those it cannot read, and counts them', async () => {
    await put('binary', new Uint8Array([104, 105, 0, 116]));
    await put('large', 'hi\n'.repeat(1_000_000));
    await put('edge', `hi${'x'.repeat(2 * 1024 * 1024 - 2)}`);
    await put('invalid', new Uint8Array([255, 104, 105]));
    await writeFile(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([255])]), 'hi'); // a name that is no UTF-8
    const result = await search({ pattern: 'hi' });
    expect(result).toMatchObject({
      response: { files_searched: 2, skipped: { binary: 1, too_large: 1, unreadable: 1 } },
    });
    expect(result.ok && result.output).toMatchObject([
      { path: 'edge' },
      { path: 'invalid', text: '\uFFFDhi', column: 2 },
    ]);
  });

  it('shows at most 300 characters of a line, those around the match', async () => {
    await put('min.js', `${'x'.repeat(5_000)}HERE${'y'.repeat(5_000)}`);
    const result = await search({ pattern: 'HERE' });
    const [match] = result.ok ? (result.output as readonly { text: string; column: number }[]) : [];
    expect([match?.column, match?.text.length, match?.text.slice(99, 105)]).toEqual([5_001, 300, 'xHEREy']);
  });

  it('gives lines before and after where asked', async () => {
    await put('x', 'a\nb\nHIT\nc\n');
    expect(await search({ pattern: 'HIT', context: 2 })).toMatchObject({
      output: [{ before: ['a', 'b'], after: ['c'] }],
    });
  });

  it('G6: stops at its limit and says that there is more', async () => {
    await put('x', 'hit\n'.repeat(5));
    expect(await search({ pattern: 'hit', limit: 5 })).toMatchObject({ response: { truncated: false } });
    const result = await search({ pattern: 'hit', limit: 4 });
    expect(result).toMatchObject({ response: { truncated: true } });
    expect(result.ok && result.output).toHaveLength(4);
  });

  it('finds nothing in an empty folder', async () => {
    expect(await search({ pattern: 'x' })).toMatchObject({ ok: true, output: [], response: { files_searched: 0 } });
  });

  it('does nothing where the call was ended before it began', async () => {
    expect(await search({ pattern: 'x' }, AbortSignal.abort())).toEqual({
      ok: false,
      error: 'Interrupted',
      isInterrupt: true,
    });
  });
});
