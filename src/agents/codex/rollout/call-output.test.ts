import { describe, expect, it } from 'vitest';
import { endOfOutput, isRunning } from './call-output.ts';

const endOf = (tool: string, text: string, hasBegun = false) =>
  endOfOutput({ tool, text, response: text, durationMs: undefined, hasBegun });

describe('endOfOutput', () => {
  it.each([
    ['nope', 'unsupported call: nope'],
    ['Bash', 'failed to parse function arguments: key must be a string at line 1 column 2'],
    ['write_stdin', 'write_stdin failed: Unknown process id 42'],
    ['request_user_input', 'request_user_input is unavailable in Default mode'],
  ])('knows that a call of %s failed by what Codex says itself', (tool, text) => {
    expect(endOf(tool, text)).toEqual({ ok: false, error: text });
  });

  it('takes all else for a result, unless its hook told that it began, and none that it ended', () => {
    expect(endOf('get_goal', '{"goal":null}')).toEqual({ ok: true, response: '{"goal":null}' });
    expect(endOf('view_image', 'no such file', true)).toEqual({ ok: false, error: 'no such file' });
  });

  it('reads exit code and output of a command where no item has them', () => {
    const text = 'Chunk ID: ce2ac9\nWall time: 0.0005 seconds\nProcess exited with code 3\nOutput:\noops\n';
    expect(endOf('Bash', text)).toEqual({ ok: false, error: 'Exit code 3\noops', response: 'oops\n', exitCode: 3 });
    expect(endOf('Bash', 'Exit code: 0\nWall time: 0.1 seconds\nOutput:\nfine\n')).toMatchObject({
      ok: true,
      response: 'fine\n',
      exitCode: 0,
    });
  });

  it('does not take the words of a program for those of Codex', () => {
    const said = `Chunk ID: a\nProcess exited with code 0\nOutput:\n${'x'.repeat(400)}\nProcess exited with code 7\n`;
    expect(endOf('Bash', said)).toMatchObject({ ok: true, exitCode: 0 });
    expect(isRunning('Chunk ID: a\nWall time: 0.5 seconds\nProcess running with session ID 42\nOutput:\n')).toBe(true);
    expect(isRunning(said)).toBe(false);
  });

  it('knows that a person broke a call off', () => {
    expect(endOf('Bash', 'Wall time: 1.2 seconds\naborted by user')).toMatchObject({ ok: false, isInterrupt: true });
  });

  it('tells of code that failed what it threw', () => {
    const text = 'Script failed\nWall time 0.0 seconds\nOutput:\n\nScript error:\nError: no\n    at exec_main.mjs:1:7';
    expect(endOf('exec', text)).toMatchObject({ ok: false, error: 'Error: no\n    at exec_main.mjs:1:7' });
  });
});
