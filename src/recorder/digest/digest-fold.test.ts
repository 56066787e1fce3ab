import { describe, expect, it } from 'vitest';
import { digestSchema, type SessionDigest } from '../../model/session-digest.ts';
import { DigestFold } from './digest-fold.ts';

const OPEN = { resultJson: undefined, error: undefined };

/** Calls as agents make them: tool and input; a text as a third: it failed with that. */
type Call = readonly [tool: string, input: unknown, error?: string];

const folded = (calls: readonly Call[], cwd = '/repo'): SessionDigest => {
  const fold = new DigestFold();
  fold.message('session_start', 'JOB-a', { cwd });
  for (const [tool, input, error] of calls) fold.call({ tool, input: JSON.stringify(input), error, title: undefined });
  return fold.digest(OPEN);
};

const PATCH =
  '*** Begin Patch\n*** Update File: src/a "b".ts\n@@\n-x\n+y\n*** Add File: docs/new.md\n+hello\n*** End Patch';

describe('the digest of a session', () => {
  it.each<readonly [string, Call, string]>([
    ['Claude Code writes', ['Write', { file_path: '/repo/src/a.ts', content: 'x' }], 'src/a.ts'],
    [
      'Claude Code edits',
      ['Edit', { file_path: '/repo/a.ts', old_string: '"file_path":"no"', new_string: '' }],
      'a.ts',
    ],
    ['Claude Code edits a notebook', ['NotebookEdit', { notebook_path: '/else/n.ipynb' }], '/else/n.ipynb'],
    ['opencode writes', ['write', { content: 'x'.repeat(50_000), filePath: '/repo/b.ts' }], 'b.ts'],
    ['Gemini writes', ['write_file', { file_path: '/repo/c "d"\\e.ts', content: '' }], 'c "d"\\e.ts'],
    ['Gemini edits', ['replace', { instruction: 'i', file_path: '/repo/f.ts' }], 'f.ts'],
    ['an MCP server writes', ['mcp__files__write_file', { path: 'g.ts', content: '' }], 'g.ts'],
    ['Codex in its session file', ['apply_patch', { changes: { '/repo/h.ts': { type: 'add' } } }], 'h.ts'],
  ])('knows the file that %s', (_, call, file) => {
    expect(folded([call]).files).toEqual([file]);
  });

  it.each([{ command: PATCH }, { patchText: PATCH }, { input: PATCH }])('knows the files of a patch in %o', (input) => {
    expect(folded([['apply_patch', input]]).files.toSorted()).toEqual(['docs/new.md', 'src/a "b".ts']);
  });

  it('tells the files that were read where none was written, those read most first', () => {
    const read = (path: string): Call => ['Read', { file_path: path }];
    expect(folded([read('a'), read('b'), read('a')]).files).toEqual(['a', 'b']);
    expect(folded([read('a'), ['write_file', { path: 'c' }]]).files).toEqual(['c']);
    expect(folded([['Write', { file_path: 'd' }, 'no such folder'], read('a')]).files).toEqual(['a']);
  });

  it('tells command lines, each once and the last ones, of every form that agents give them', () => {
    const calls: Call[] = [
      ['Bash', { command: 'npm test\n -- --run', description: 'd' }],
      ['run_shell_command', { command: 'ls "a b"' }],
      ['Bash', { command: ['git', 'log', '-3'] }, 'exit code 1'],
      ['shell', { argv: ['bash', '-c', 'echo "]"'] }],
      ['bash', { command: 'npm test\n -- --run' }],
      ['command', { argv: ['sh', '-c', 'make it'] }], // of "nika run"
    ];
    const { commands, errors } = folded(calls);
    expect(commands.slice(0, 2)).toEqual(['ls "a b"', 'git log -3']);
    expect(commands.slice(-2)).toEqual(['npm test -- --run', expect.stringContaining('make it')]);
    expect(errors).toEqual(['exit code 1']);
  });

  it('tells the first prompt and the last answer, and how many turns there were', () => {
    const fold = new DigestFold();
    fold.message('agent_turn', 'JOB-a', { prompt: 'mend the test', answer: 'I look', outcome: 'completed' });
    fold.message('agent_turn', 'JOB-a', { prompt: 'go on', answer: 'done', outcome: 'completed' });
    fold.message('agent_turn', 'JOB-a', { outcome: 'failed', error: 'overloaded' });
    const end = { resultJson: '"the result"', error: undefined };
    expect(fold.digest(end)).toMatchObject({ asked: 'mend the test', said: 'done', turns: 3, errors: ['overloaded'] });
  });

  it('tells what a job without an agent was about, what it came to, and why it failed', () => {
    const fold = new DigestFold();
    fold.message('entity_created', 'JOB-a', { description: 'Find the bad commit.' });
    fold.message('entity_created', 'TASK-b', { description: 'a task' });
    fold.message('session_start', 'JOB-a', { inputs: { good: 'v1' } });
    fold.call({ tool: 'http', input: '{"path":"no file"}', error: undefined, title: 'ask the server' });
    expect(fold.digest({ resultJson: '{"commit":"abc"}', error: 'too late' })).toEqual({
      asked: 'Find the bad commit.\n{"good":"v1"}\nask the server',
      said: '{"commit":"abc"}',
      files: [],
      commands: [],
      errors: ['too late'],
    });
  });

  it('reads lines of the bus to the same, also where their bodies are in blobs', () => {
    const fold = new DigestFold();
    const head = JSON.stringify('mend '.repeat(400)).slice(0, 1024);
    const line = (type: string, data: Record<string, unknown>) => fold.line({ type, entity: 'JOB-a', data });
    line('agent_turn', { prompt: { $blob: 'a', bytes: 2002, head }, outcome: 'completed' });
    line('tool_call', { tool_name: 'Bash', ok: false, error: 'exit code 2', tool_input: { command: 'make' } });
    const input = { $blob: '', bytes: 90_000, head: '{"file_path":"x.ts","content":"…' };
    line('tool_call', { tool_name: 'Write', ok: true, tool_input: input, tool_response: null });
    const { asked = '', ...rest } = fold.digest(OPEN);
    expect(asked).toBe('mend '.repeat(400).slice(0, 1023).trim());
    expect(rest).toEqual({ files: ['x.ts'], commands: ['make'], errors: ['exit code 2'], turns: 1 });
  });

  it('G6: stays small, whatever it is told', () => {
    const fold = new DigestFold();
    const odd = '\u0001"\\é😀\ud800';
    for (let n = 0; n < 3000; n += 1) {
      const command = `${odd.repeat(n % 200)}${n}`;
      fold.call({
        tool: 'Bash',
        input: JSON.stringify({ command }),
        error: `${odd.repeat(n % 99)}${n}`,
        title: undefined,
      });
      fold.call({ tool: `tool ${n}`, input: '', error: undefined, title: `${n}` });
      fold.call({
        tool: 'Edit',
        input: JSON.stringify({ path: `${odd.repeat(n % 60)}${n}` }),
        error: undefined,
        title: undefined,
      });
    }
    fold.message('agent_turn', 'JOB-a', { prompt: odd.repeat(1e5), answer: odd.repeat(1e5) });
    const digest = fold.digest(OPEN);
    expect(Buffer.byteLength(JSON.stringify(digest))).toBeLessThan(16_000);
    expect(digestSchema.parse(digest)).toEqual(digest);
    expect(digest.asked?.length).toBeGreaterThan(100);
    expect(digest.files.length).toBeGreaterThan(5);
    expect(digest.files.length).toBeLessThanOrEqual(40);
    expect(/\\ud[89ab]/i.test(JSON.stringify(digest))).toBe(false);
  });
});
