import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NikaError } from '../../model/error.ts';
import { evaluate, referencesOf, type Scope, statusCallIn } from './evaluate.ts';
import { type Expression, FUNCTIONS, parseExpression } from './expression.ts';

const STEP = { ok: true, exit_code: 0, stdout: 'out\n', stderr: '', error: null };

const SCOPE: Scope = {
  inputs: { name: 'Ada', top: 5, deep: false, empty: '' },
  steps: { 'list-it': { ...STEP, output: ['a', 'b'], response: { files: [{ path: 'a' }], 'odd key': 1 } } },
  job: { id: 'JOB-x', name: 'x', dir: '/jobs', cwd: '/repo' },
  env: { HOME: '/home/ada' },
  nika: { node: '/usr/bin/node', home: '/home' },
};

const value = (text: string, failed = false): unknown => {
  const outcome = parseExpression(text);
  if (!outcome.ok) throw new Error(`${outcome.problem.at}: ${outcome.problem.message}`);
  return evaluate(outcome.expression, SCOPE, { failed });
};

const problem = (text: string): string => {
  const outcome = parseExpression(text);
  return outcome.ok ? 'it parses' : `${outcome.problem.at}: ${outcome.problem.message}`;
};

/** An expression as text, with all parentheses. */
const print = (expression: Expression): string => {
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'string'
        ? `'${expression.value.replaceAll("'", "''")}'`
        : String(expression.value);
    case 'name':
      return expression.name;
    case 'member':
      return `(${print(expression.of)})[${print(expression.key)}]`;
    case 'not':
      return `!(${print(expression.of)})`;
    case 'binary':
      return `(${print(expression.left)} ${expression.operator} ${print(expression.right)})`;
    case 'call':
      return `${expression.name}(${expression.args.map(print).join(', ')})`;
  }
};

const withoutPlaces = (expression: Expression): unknown =>
  JSON.parse(JSON.stringify(expression, (key, part: unknown) => (key === 'at' ? undefined : part)));

const words = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,6}$/).filter((word) => !['true', 'false', 'null'].includes(word));
const literals = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);

/** Trees of any shape. */
const trees: fc.Arbitrary<Expression> = fc.letrec<{ tree: Expression }>((tie) => {
  const at = fc.constant(0);
  const tree = tie('tree');
  const call = fc.constantFrom(...(Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[])).chain((name) => {
    const args = fc.array(tree, { minLength: FUNCTIONS[name], maxLength: FUNCTIONS[name] });
    return fc.record({ kind: fc.constant('call' as const), name: fc.constant(name), args, at });
  });
  const operators = fc.constantFrom('||', '&&', '==', '!=', '<', '<=', '>', '>=' as const);
  return {
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.record({ kind: fc.constant('literal' as const), value: literals, at }),
      fc.record({ kind: fc.constant('name' as const), name: words, at }),
      fc.record({ kind: fc.constant('member' as const), of: tree, key: tree, at }),
      fc.record({ kind: fc.constant('not' as const), of: tree, at }),
      fc.record({ kind: fc.constant('binary' as const), operator: operators, left: tree, right: tree, at }),
      call,
    ),
  };
}).tree;

const TOKENS = [
  "'",
  '"',
  '(',
  ')',
  '[',
  ']',
  '.',
  ',',
  '!',
  '==',
  '<',
  '>=',
  '&&',
  '||',
  ' ',
  'inputs',
  'steps',
  '1',
  '-',
  'e5',
  'null',
  'json',
  '\\',
  '}}',
  '\n',
];

/** How parsing and evaluating the text ends: at a place within it, with a value, or with what was thrown. */
const end = (text: string): string => {
  const outcome = parseExpression(text);
  if (!outcome.ok) return outcome.problem.at <= text.length ? 'at' : 'beyond the text';
  referencesOf(outcome.expression);
  try {
    evaluate(outcome.expression, SCOPE);
    return 'value';
  } catch (thrown) {
    return thrown instanceof NikaError ? thrown.name : String(thrown);
  }
};

describe('parseExpression', () => {
  it('says at which character it could not go on, and what would be right', () => {
    expect(problem('')).toBe('0: expected a value, not the end');
    expect(problem('inputs.')).toBe('7: expected a name behind ".", not the end');
    expect(problem('inputs.a = 1')).toBe('9: expected an operator or the end, not "= 1"');
    expect(problem("(inputs.a == 'x'")).toBe('16: expected ")" to close "(", not the end');
    expect(problem("inputs.a == 'x")).toBe("12: the text that begins here has no closing '");
    expect(problem('contain(a, b)')).toBe('0: no function "contain"; did you mean "contains"?');
    expect(problem('contains(a)')).toBe('0: contains() takes 2 arguments, not 1');
    expect(problem('a b')).toBe('2: expected an operator or the end, not "b"');
    expect(problem(String.raw`"\q"`)).toMatch(/^0: only .* may stand in/);
  });

  it('gives up in time on what is nested or repeated without end', () => {
    expect(problem('('.repeat(100_000))).toMatch(/nested too deeply/);
    expect(problem('!'.repeat(100_000))).toMatch(/nested too deeply/);
    expect(problem(`a${' && a'.repeat(100_000)}`)).toMatch(/too long/);
    expect(problem(`a${'.b'.repeat(100_000)}`)).toMatch(/too long/);
  });

  it('reads back every tree that was written down', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const outcome = parseExpression(print(tree));
        expect(outcome.ok && withoutPlaces(outcome.expression)).toEqual(withoutPlaces(tree));
      }),
    );
  });

  it('never throws, whatever the text; what parses is a value or a NikaError', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom(...TOKENS), { maxLength: 20 }).map((tokens) => tokens.join('')),
      trees.map(print),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(end(text)).toMatch(/^(?:at|value|NikaError)$/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('evaluate', () => {
  it('follows paths by name, index and key', () => {
    expect(value('inputs.name')).toBe('Ada');
    expect(value('steps.list-it.output[1]')).toBe('b');
    expect(value('steps.list-it.output[inputs.top]')).toBe(null);
    expect(value("steps['list-it'].response.files[0].path")).toBe('a');
    expect(value(`steps.list-it.response["odd key"]`)).toBe(1);
    expect(value('steps.list-it.output.length')).toBe(2);
    expect(value('job.cwd')).toBe('/repo');
    expect(value('nika.node')).toBe('/usr/bin/node');
    expect(value('env.HOME')).toBe('/home/ada');
  });

  it('gives nothing for what is not there, and nothing of any prototype', () => {
    for (const path of ['inputs.no', 'steps.no.output', 'env.NO', 'inputs.name.x.y', 'inputs.top[0]'])
      expect(value(path)).toBe(null);
    for (const path of [
      'inputs.constructor',
      'inputs.__proto__',
      'inputs.toString',
      'inputs.name.constructor',
      'steps.list-it.output.map',
      "steps['hasOwnProperty']",
    ]) {
      expect(value(path)).toBe(null);
    }
  });

  it('compares without turning one type into another', () => {
    expect(value('inputs.top == 5 && inputs.top >= 5 && inputs.top < 10')).toBe(true);
    expect(value("inputs.top == '5'")).toBe(false);
    expect(value("steps.list-it.output != null && 'a' < 'b'")).toBe(true);
    expect(() => value("inputs.top < 'x'")).toThrow('a number and text cannot be compared with <');
    expect(() => value('inputs.no > 3')).toThrow('nothing and a number cannot be compared with >');
  });

  it('binds && closer than ||, and gives one of the sides', () => {
    expect(value('true || false && false')).toBe(true);
    expect(value('!(true || false) && false')).toBe(false);
    expect(value("inputs.empty || inputs.name || 'x'")).toBe('Ada');
    expect(value('inputs.deep && inputs.no > 3')).toBe(false); // the right side is not looked at
  });

  it('has functions', () => {
    expect(
      value("contains('abc', 'b') && contains(steps.list-it.output, 'a') && !contains(steps.list-it.output, 'c')"),
    ).toBe(true);
    expect(value("starts_with(inputs.name, 'A')")).toBe(true);
    expect(value("default(inputs.no, 'x')")).toBe('x');
    expect(value("default(inputs.empty, 'x')")).toBe('');
    expect(value('json(steps.list-it.output)')).toBe('["a","b"]');
    expect([value('always()', true), value('failure()', true), value('success()', true), value('success()')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  it('reads quotes in both kinds of text', () => {
    expect(value("'it''s'")).toBe("it's");
    expect(value(String.raw`"say \"x\"\n\u00e9"`)).toBe('say "x"\né');
    expect(value("'}}'")).toBe('}}');
  });
});

describe('referencesOf', () => {
  it('finds every path, also within keys and arguments', () => {
    const outcome = parseExpression("default(steps.a.output[inputs.i], inputs['n']) == job.id || always()");
    if (!outcome.ok) throw new Error(outcome.problem.message);
    expect(referencesOf(outcome.expression).map(({ path }) => path)).toEqual([
      ['steps', 'a', 'output', null],
      ['inputs', 'i'],
      ['inputs', 'n'],
      ['job', 'id'],
    ]);
    expect(statusCallIn(outcome.expression)).toMatchObject({ name: 'always' });
  });
});
