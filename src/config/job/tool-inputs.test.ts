import { describe, expect, it } from 'vitest';
import { TOOL_INPUT_SCHEMAS } from './tool-inputs.ts';

describe('the inputs of the built-in tools', () => {
  it('have every default in place, sizes in bytes and patterns as lists', () => {
    const { shell, read_file, write_file, list_files, search, http } = TOOL_INPUT_SCHEMAS;
    const ignore = ['**/.git/**', '**/node_modules/**', '**/_bus/**'];
    expect(shell.parse({ argv: ['head', '-n', 5, true], env: { N: 1 } })).toEqual({
      argv: ['head', '-n', '5', 'true'],
      env: { N: '1' },
      ok_codes: [0],
      max_output_bytes: 1_048_576,
    });
    expect(read_file.parse({ path: 'a', max_bytes: '1kB' })).toEqual({ path: 'a', max_bytes: 1000, encoding: 'utf8' });
    expect(write_file.parse({ path: 'a', content: '', mode: '0644' })).toEqual({
      path: 'a',
      content: '',
      append: false,
      mode: 0o644,
      create_dirs: true,
    });
    expect(list_files.parse({ glob: '*' })).toEqual({ glob: ['*'], ignore, dot: false, limit: 10_000 });
    expect(list_files.parse({ glob: ['*', 'b'], ignore: [] })).toMatchObject({ glob: ['*', 'b'], ignore: [] });
    expect(search.parse({ pattern: 'x' })).toEqual({
      pattern: 'x',
      flags: '',
      glob: ['**/*'],
      ignore,
      limit: 1000,
      context: 0,
    });
    expect(http.parse({ url: 'https://x' })).toEqual({
      method: 'GET',
      url: 'https://x',
      headers: {},
      timeout: '30s',
      max_bytes: 1_048_576,
    });
  });

  it('write as JSON what is not text, so that a result of another step can be a file', () => {
    expect(TOOL_INPUT_SCHEMAS.write_file.parse({ path: 'a', content: { b: [1] } }).content).toBe(
      '{\n  "b": [\n    1\n  ]\n}\n',
    );
    expect(TOOL_INPUT_SCHEMAS.write_file.safeParse({ path: 'a', content: null }).success).toBe(false);
  });

  it('refuse what no system call takes, and what is no pattern', () => {
    expect(TOOL_INPUT_SCHEMAS.read_file.safeParse({ path: 'a\0b' }).success).toBe(false);
    expect(TOOL_INPUT_SCHEMAS.search.safeParse({ pattern: '[', flags: '' }).success).toBe(false);
    expect(TOOL_INPUT_SCHEMAS.search.safeParse({ pattern: String.raw`\p{L}{`, flags: 'u' }).success).toBe(false);
    expect(TOOL_INPUT_SCHEMAS.http.safeParse({ url: 'file:///etc/passwd' }).success).toBe(false);
    expect(TOOL_INPUT_SCHEMAS.shell.safeParse({}).success).toBe(false);
  });
});
