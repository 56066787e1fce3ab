import { execFileSync } from 'node:child_process';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listFilesTool } from './list-files.ts';
import { readFileTool } from './read-file.ts';
import type { Tool, ToolResult } from './tool.ts';
import { writeFileTool } from './write-file.ts';

let dir = '';
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'nika-files-')));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const call = <I>(tool: Tool<I>, input: object, signal = new AbortController().signal): Promise<ToolResult> =>
  tool.run(tool.inputSchema.parse(input), { cwd: dir, env: {}, signal });

const put = async (path: string, content: string | Uint8Array = ''): Promise<string> => {
  await mkdir(join(dir, path, '..'), { recursive: true });
  await writeFile(join(dir, path), content);
  return join(dir, path);
};

const INTERRUPTED = { ok: false, error: 'Interrupted', isInterrupt: true };

describe('read_file', () => {
  it('gives the text of a file, byte order mark and all', async () => {
    const path = await put('a/text', '\uFEFFgrüße\n');
    const content = '\uFEFFgrüße\n';
    const response = { path, content, bytes: 11, truncated: false };
    expect(await call(readFileTool, { path: 'a/text' })).toEqual({ ok: true, output: content, response });
  });

  it('G3: cuts at its cap, not through a character, and says so', async () => {
    await put('long', '€'.repeat(10));
    const result = await call(readFileTool, { path: 'long', max_bytes: 7 });
    expect(result).toMatchObject({ output: '€€', response: { bytes: 30, truncated: true } });
    expect(await call(readFileTool, { path: 'long', max_bytes: 30 })).toMatchObject({ response: { truncated: false } });
  });

  it('gives binary contents as base64 where asked, else with replacement characters', async () => {
    await put('binary', new Uint8Array([0, 255, 65]));
    expect(await call(readFileTool, { path: 'binary', encoding: 'base64' })).toMatchObject({ output: 'AP9B' });
    expect(await call(readFileTool, { path: 'binary' })).toMatchObject({ output: '\0\uFFFDA' });
  });

  it('reads files whose size the system does not tell', async () => {
    const result = await call(readFileTool, { path: '/proc/self/status' });
    expect(result).toMatchObject({ ok: true, output: expect.stringContaining('Name:') });
  });

  it('refuses at once what would hold it or is no file, and says what it is', async () => {
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    await symlink('circle', join(dir, 'circle'));
    const why = async (path: string): Promise<string> => {
      const result = await call(readFileTool, { path });
      return result.ok ? 'ok' : result.error.replace(dir, 'DIR');
    };
    expect(await Promise.all(['fifo', '.', 'none', 'circle', '/dev/zero', '/dev/tty'].map(why))).toEqual([
      'DIR/fifo is not a regular file',
      'DIR is a folder',
      'DIR/none does not exist',
      'DIR/circle is a symbolic link that leads in a circle',
      '/dev/zero is not a regular file',
      '/dev/tty is not a regular file',
    ]);
  });

  it('does nothing where the call was ended before it began', async () => {
    await put('x');
    expect(await call(readFileTool, { path: 'x' }, AbortSignal.abort())).toEqual(INTERRUPTED);
  });
});

describe('write_file', () => {
  it('makes the folders on the way and says where it wrote', async () => {
    const path = join(dir, 'a/b/c.txt');
    const result = await call(writeFileTool, { path: 'a/b/c.txt', content: 'grüße' });
    expect(result).toEqual({ ok: true, output: path, response: { path, bytes: 7, created: true } });
    expect(await readFile(path, 'utf8')).toBe('grüße');
  });

  it('leaves the old contents whole, and nothing beside them, when the new ones cannot be put there', async () => {
    await put('sub/file', 'old');
    const content = 'x'.repeat(10_000);
    const limited = `ulimit -f 4; trap '' XFSZ; exec "$0" --input-type=module`; // no file may grow past 4 blocks
    const script = `
      import { writeFileTool as tool } from ${JSON.stringify(new URL('./write-file.ts', import.meta.url).href)};
      const input = tool.inputSchema.parse({ path: 'sub/file', content: ${JSON.stringify(content)} });
      const signal = new AbortController().signal;
      console.log(JSON.stringify(await tool.run(input, { cwd: ${JSON.stringify(dir)}, env: {}, signal })));`;
    const said = execFileSync('/bin/sh', ['-c', limited, process.execPath], { input: script, encoding: 'utf8' });
    expect(JSON.parse(said)).toMatchObject({ ok: false, error: expect.stringContaining('sub/file') });
    expect(await readFile(join(dir, 'sub/file'), 'utf8')).toBe('old');
    expect(await readdir(join(dir, 'sub'))).toEqual(['file']);
  });

  it('keeps the permissions of the file that is there, and gives those that are asked for', async () => {
    const path = await put('script', 'old');
    await chmod(path, 0o750);
    await call(writeFileTool, { path: 'script', content: 'new' });
    expect((await stat(path)).mode & 0o777).toBe(0o750);
    await call(writeFileTool, { path: 'script', content: 'new', mode: '0600' });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('writes to where a symbolic link leads, and leaves the link', async () => {
    const path = await put('real', 'old');
    await symlink('real', join(dir, 'link'));
    expect(await call(writeFileTool, { path: 'link', content: 'new' })).toMatchObject({ response: { created: false } });
    expect((await lstat(join(dir, 'link'))).isSymbolicLink()).toBe(true);
    expect(await readFile(path, 'utf8')).toBe('new');
  });

  it('appends', async () => {
    await call(writeFileTool, { path: 'log', content: 'a\n', append: true });
    await call(writeFileTool, { path: 'log', content: 'b\n', append: true });
    expect(await readFile(join(dir, 'log'), 'utf8')).toBe('a\nb\n');
  });

  it('refuses at once what is no file, or has no folder to stand in', async () => {
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    await put('file');
    const why = async (path: string, more: object = {}): Promise<string> => {
      const result = await call(writeFileTool, { path, content: 'x', ...more });
      return result.ok ? 'ok' : result.error.replaceAll(dir, 'DIR');
    };
    expect(await why('.')).toBe('DIR is a folder');
    expect(await why('fifo')).toBe('DIR/fifo is not a regular file');
    expect(await why('fifo', { append: true })).toBe('DIR/fifo is not a regular file');
    expect(await why('no/folder', { create_dirs: false })).toBe('the folder DIR/no does not exist');
    expect(await why('file/below')).toBe('DIR/file/below cannot be reached: a part of its path is not a folder');
    expect(await why('/proc/x.md')).toBe('no file can be made in the folder /proc: its file system takes nothing new');
    expect(await why('/proc/a/b/x.md')).toBe(
      'the folder /proc/a cannot be made in /proc: its file system takes nothing new',
    );
  });
});

describe('list_files', () => {
  const list = async (input: object): Promise<unknown> => {
    const result = await call(listFilesTool, input);
    return result.ok ? result.output : result.error;
  };

  it('lists what a glob matches, sorted, and passes over .git and node_modules', async () => {
    for (const path of ['b.ts', 'B.ts', 'a/x.ts', 'a/y.js', '.git/z.ts', 'a/node_modules/m.ts', '.dot.ts'])
      await put(path);
    expect(await list({ glob: '**/*.ts' })).toEqual(['B.ts', 'a/x.ts', 'b.ts']);
    expect(await list({ glob: '**/*.ts', dot: true })).toEqual(['.dot.ts', 'B.ts', 'a/x.ts', 'b.ts']);
    const all = ['.git/z.ts', 'a/node_modules/m.ts'];
    expect(await list({ glob: all, dot: true, ignore: ['x'] })).toEqual(all);
    expect(await list({ glob: ['**/*.ts', '!a/**'], cwd: '.' })).toEqual(['B.ts', 'b.ts']);
  });

  it('bears odd names: spaces, brackets, newlines, a leading dash', async () => {
    const names = ['-rf', ' lead', 'a[1](x).md', 'new\nline', 'é€😀'];
    for (const name of names) await put(name);
    expect(await list({ glob: '**/*' })).toEqual(names.toSorted());
  });

  it('does not follow symbolic links in circles or out of the folder', async () => {
    await put('real/x');
    await symlink('..', join(dir, 'real/up'));
    await symlink('/etc', join(dir, 'out'));
    expect(await list({ glob: '**' })).toEqual(['real/x']);
  });

  it('lists below another folder where the glob or cwd says so', async () => {
    for (const path of ['lib/a.md', 'src/b.md']) await put(path);
    expect(await list({ glob: '../lib/*.md', cwd: 'src' })).toEqual(['../lib/a.md']);
    expect(await list({ glob: `${dir}/lib/*` })).toEqual(['lib/a.md']);
    expect(await list({ glob: '*', cwd: 'none' })).toBe(`${dir}/none is not a folder`);
  });

  it('G3: stops at its limit and says how many there are', async () => {
    for (const name of ['a', 'b', 'c']) await put(name);
    expect(await call(listFilesTool, { glob: '*', limit: 2 })).toMatchObject({
      output: ['a', 'b'],
      response: { cwd: dir, files: ['a', 'b'], count: 3, truncated: true },
    });
  });

  it('does nothing where the call was ended before it began', async () => {
    expect(await call(listFilesTool, { glob: '*' }, AbortSignal.abort())).toEqual(INTERRUPTED);
  });
});
