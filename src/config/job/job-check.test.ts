import { describe, expect, it } from 'vitest';
import { checkJob } from './job-check.ts';
import { formatProblem } from '../yaml/problem.ts';
import { parseYaml } from '../yaml/yaml-file.ts';

const HEAD = 'name: x\ndescription: d\ndomain: a\nintent: b\n';

const check = (text: string, name?: string) => {
  const outcome = parseYaml('x.yaml', text);
  if (!outcome.ok) throw new Error(outcome.problems.map(formatProblem).join('\n'));
  return checkJob(outcome.yaml, name);
};

const problems = (text: string, name?: string): readonly string[] => {
  const outcome = check(text, name);
  return outcome.ok ? [] : outcome.problems.map(formatProblem);
};

const jobOf = (steps: string, rest = ''): string =>
  `${HEAD}inputs: { top: { type: number, default: 3 }, name: {} }\n${rest}steps:\n${steps}`;

/** Of each problem: what stands in the file where it is said to be, the field, and the message. */
const placed = (steps: string, rest = ''): readonly (readonly [string, string, string])[] => {
  const text = jobOf(steps, rest);
  const outcome = check(text);
  if (outcome.ok) return [];
  return outcome.problems.map(({ line = 1, column = 1, field, message }) => {
    const here = text.split('\n')[line - 1]?.slice(column - 1) ?? '';
    return [/^(?:[\w./]+|\W{1,2})?/.exec(here)?.[0] ?? '', field, message];
  });
};

describe('checkJob', () => {
  it('takes a job with all its fields, fills in the defaults, and lets nobody change it', () => {
    const text = `${HEAD}project: PROJ-p
role: r
tags: [t, 'for \${{ inputs.name }}']
inputs: { name: { required: true, description: who }, top: { type: number, default: 3 }, deep: { type: boolean } }
env: { A: '\${{ env.HOME }}', N: 3 }
cwd: \${{ job.dir }}/..
timeout: \${{ inputs.name }}
limits: { tool_calls: 5, wall: 1h }
outputs: { all: '\${{ steps.b.output }}' }
steps:
  - { id: a, task: t, name: 'n \${{ inputs.top }}', tool: shell, input: { argv: [ls] }, timeout: 5s, continue_on_error: true }
  - { id: b, tool: list_files, if: "steps.a.ok || always()", input: { glob: '\${{ steps.a.output }}', limit: '\${{ inputs.top }}' } }
`;
    const outcome = check(text, 'x');
    if (!outcome.ok) throw new Error(outcome.problems.map(formatProblem).join('\n'));
    const { job } = outcome;
    expect(job.inputs['deep']).toEqual({ type: 'boolean', required: false });
    expect([job.env, job.steps[1]?.continue_on_error]).toEqual([{ A: '${{ env.HOME }}', N: '3' }, false]);
    expect(Object.isFrozen(job.steps[0]?.input['argv'])).toBe(true);
    const least = check(`${HEAD}steps: [{ tool: shell, input: { command: ls } }]`);
    expect(least).toMatchObject({ ok: true, job: { tags: [], inputs: {}, env: {}, limits: {} } });
  });

  it('tells what is missing or unknown at the top, and what would be right', () => {
    expect(problems('')).toEqual([
      'x.yaml: is empty; a job has name, description, domain, intent and steps (or a module, a command, an agent)',
    ]);
    expect(problems('name: a b\ndomain: 3\nintents: x\n', 'y')).toEqual([
      'x.yaml:1:1: description: is missing; must be text',
      'x.yaml:1:1: intent: is missing; must be text',
      'x.yaml:1:1: steps: is missing; a job needs steps (a list of tool calls), module (a file), command (a program) or agent',
      'x.yaml:1:7: name: must be 1 to 64 letters, digits or . _ - and begin with a letter or digit',
      'x.yaml:1:7: name: must be the name of the file: y',
      'x.yaml:2:9: domain: must be text, not 3',
      'x.yaml:3:1: intents: unknown field; did you mean "intent"?',
    ]);
  });

  it('takes an agent with what it is asked, and its fields for no other runner', () => {
    expect(problems(`${HEAD}agent: claude-code\nprompt: { file: ./ask.md }\nmax_turns: 3\n`)).toEqual([]);
    expect(problems(`${HEAD}agent: codex\n`)).toEqual([
      'x.yaml:1:1: prompt: is missing: what the agent is asked, as text or as {file: <path>}',
    ]);
    expect(problems(`${HEAD}command: ls\nmodel: x\n`)).toEqual([
      'x.yaml:6:1: model: belongs to "agent", not to "command"',
    ]);
  });

  it('takes a module or a command in place of steps, and no two of them', () => {
    expect(problems(`${HEAD}module: ./bisect.ts\nretry: { attempts: 3, backoff: 5s }\n`)).toEqual([]);
    expect(problems(`${HEAD}command: [npm, test]\nstdin: '\${{ inputs.x }}'\ninputs: { x: {} }\n`)).toEqual([]);
    expect(problems(`${HEAD}command: npm test\nmodule: x.ts\n`)).toEqual([
      'x.yaml:5:1: command: a job has one of steps, module, command, agent',
    ]);
    expect(problems(`${HEAD}command: npm test\noutputs: { a: 1 }\n`)).toEqual([
      'x.yaml:6:1: outputs: belongs to "steps", not to "command"',
    ]);
    expect(problems(`${HEAD}command: echo "\${{ inputs.x }}"\ninputs: { x: {} }\n`)).toEqual([
      expect.stringContaining('x.yaml:5:'),
    ]);
  });

  it('checks inputs: their type, their default, their name', () => {
    const text = `${HEAD}inputs:
  a b: {}
  n: { type: number, default: '3' }
  r: { required: true, default: x }
  t: { type: text }
  d: { default: 'x \${{ env.HOME }}' }
steps: [{ tool: shell, input: { command: ls } }]`;
    expect(problems(text)).toEqual([
      'x.yaml:6:3: inputs["a b"]: the name must be 1 to 64 letters, digits, _ or -, and begin with a letter or _',
      'x.yaml:7:31: inputs.n.default: must be of the input\'s type (number), not "3"',
      'x.yaml:8:33: inputs.r.default: an input with a default is never missing; leave "required" or "default" away',
      'x.yaml:9:14: inputs.t.type: must not be "text"; known: string, number, boolean',
      'x.yaml:10:17: inputs.d.default: is taken as it stands; a template is not possible here',
    ]);
  });

  it("checks each step's input by its tool, all but what is a template", () => {
    const steps = `  - { tool: shel, input: {} }
  - { tool: shell, input: { argv: [], comand: x } }
  - { tool: shell, input: { argv: [ls], command: ls } }
  - { tool: read_file, input: { path: '', max_bytes: lots, encoding: '\${{ inputs.name }}' } }
  - { tool: write_file, input: { path: x, mode: 644 } }
  - { tool: search, input: { pattern: '(', flags: g, limit: '\${{ inputs.top }}' } }
  - { tool: http, input: { url: 'example.com', ok_status: '\${{ inputs.top }}' } }
`;
    expect(placed(steps)).toEqual([
      ['shel', 'steps[0].tool', 'must not be "shel"; did you mean "shell"?'],
      ['[]', 'steps[1].input.argv', 'must not be empty'],
      ['comand', 'steps[1].input.comand', 'unknown field; did you mean "command"?'],
      ['{ ', 'steps[2].input', 'must have one of "argv" (a list) and "command" (a command line)'],
      ["''", 'steps[3].input.path', 'must not be empty'],
      ['lots', 'steps[3].input.max_bytes', 'must be a size such as 64MiB, 100MB or a number of bytes'],
      ['{ ', 'steps[4].input.content', 'is missing; must be text'],
      ['644', 'steps[4].input.mode', 'must be text in quotes such as "0644"'],
      ["'(", 'steps[5].input.pattern', expect.stringMatching(/^must be a regular expression \(/)],
      ['g', 'steps[5].input.flags', 'must be letters out of i, m, s, u, v'],
      ["'", 'steps[6].input.url', 'must be an address such as https://example.com/x'],
    ]);
  });

  it('checks what templates refer to, at the character where the reference is wrong', () => {
    const steps = `  - { id: one, tool: shell, input: { argv: [ls, '\${{ inputs.tpo }}', '\${{ steps.two.output }}'] } }
  - id: two
    tool: shell
    if: steps.one.outptu == 'x' && inputs.nmae
    input:
      command: |
        first line
        ls \${{ steps.tow.output }}
      cwd: x\${{ job.dri }}\${{ nika.hom }}\${{ foo }}
      env: { A: '\${{ env.ANYTHING }}', '\${{ x }}': b }
  - { id: two, tool: shell, timeout: '\${{ failure() }}', input: { command: 'ls \${{ steps.two.response.any.thing }}' } }
`;
    expect(placed(steps)).toEqual([
      ['tpo', 'steps[0].input.argv[1]', 'unknown input "tpo"; did you mean "top"?'],
      ['two.output', 'steps[0].input.argv[2]', 'step "two" has no result yet here; only earlier steps have'],
      ['outptu', 'steps[1].if', 'a step has no "outptu"; did you mean "output"?'],
      ['nmae', 'steps[1].if', 'unknown input "nmae"; did you mean "name"?'],
      ['tow.output', 'steps[1].input.command', 'no earlier step has the id "tow"; known: one'],
      ['dri', 'steps[1].input.cwd', 'unknown: job "dri"; did you mean "dir"?'],
      ['hom', 'steps[1].input.cwd', 'unknown: nika "hom"; did you mean "home"?'],
      ['foo', 'steps[1].input.cwd', 'unknown name "foo"; known: inputs, steps, job, env, nika'],
      ["'$", 'steps[1].input.env["${{ x }}"]', 'a name of a field cannot be a template'],
      ["'$", 'steps[1].input.env["${{ x }}"]', 'the name must be letters, digits and _'],
      ['two', 'steps[2].id', 'steps[1] has the id "two" already; ids are unique'],
      ['failure', 'steps[2].timeout', 'failure() is possible in "if" only'],
    ]);
  });

  it('tells templates that cannot be read, and commands in which a value cannot be quoted', () => {
    const steps = `  - { tool: shell, if: '\${{ always() }} ok', input: { command: 'echo "\${{ inputs.name }}"' } }
  - { tool: shell, if: 'inputs.top >', input: { command: 'echo \${{ inputs.name ' } }
`;
    expect(placed(steps)).toEqual([
      ['${', 'steps[0].if', 'must be one expression, with no text around ${{ … }}'],
      [
        '${',
        'steps[0].input.command',
        expect.stringContaining('leave the quotes away: the value is quoted for the shell already'),
      ],
      ["',", 'steps[1].if', 'expected a value, not the end'],
      ["' ", 'steps[1].input.command', 'expected an operator or "}}", not the end'],
    ]);
  });

  it('knows what is not known yet at the start', () => {
    const steps = '  - { id: a, tool: shell, input: { command: ls } }';
    expect(placed(steps, 'cwd: ${{ job.cwd }}\nrole: ${{ steps.a.output }}\n')).toEqual([
      ['cwd', 'cwd', 'job.cwd is not known yet here; steps can use it'],
      ['steps.a.output', 'role', 'no step has a result yet here'],
    ]);
  });

  it('survives values of any shape, and aliases', () => {
    for (const text of [
      '3',
      '[]',
      'a: b',
      'steps: 3',
      'steps: [3, null]',
      'inputs: [a]\nsteps: [{ input: 3, if: [] }]',
      'steps: [{tool: shell, input: [a]}]',
    ]) {
      expect(problems(text).length).toBeGreaterThan(0);
    }
    const deep = `${'{ a: '.repeat(90)}1${' }'.repeat(90)}`;
    expect(problems(jobOf(`  - { tool: http, input: { url: 'http://x', body: ${deep} } }`))).toEqual([
      expect.stringContaining('nested too deeply'),
    ]);
    expect(problems(jobOf('  - { tool: shell, input: &i { command: ls } }\n  - { tool: shell, input: *i }'))).toEqual(
      [],
    );
  });
});
