import { describe, expect, it } from 'vitest';
import { NikaError } from '../../model/error.ts';
import { checkValue } from '../yaml/field-issue.ts';
import { type Job, jobSchema } from './job.ts';
import { resolveInputs } from './job-inputs.ts';

const jobWith = (inputs: Record<string, unknown>): Job => {
  const steps = [{ tool: 'shell', input: { command: 'ls' } }];
  const checked = checkValue(jobSchema, { name: 'x', description: 'd', domain: 'd', intent: 'i', inputs, steps });
  if (!checked.ok) throw new Error(JSON.stringify(checked.issues));
  return checked.value;
};

const JOB = jobWith({
  who: { required: true },
  top: { type: 'number', default: 10 },
  deep: { type: 'boolean' },
  note: {},
});

const refusal = (given: readonly string[], job = JOB): string => {
  try {
    return JSON.stringify(resolveInputs(job, given));
  } catch (thrown) {
    if (!(thrown instanceof NikaError) || thrown.code !== 'NIKA_JOB_BAD_INPUT') throw thrown;
    return thrown.message;
  }
};

describe('resolveInputs', () => {
  it('types what was given, adds the defaults, and leaves out what is neither', () => {
    expect(resolveInputs(JOB, ['who=a=b', 'deep=false'])).toEqual({ who: 'a=b', top: 10, deep: false });
    expect(resolveInputs(JOB, ['who=', 'top=-1.5e3'])).toEqual({ who: '', top: -1500 });
  });

  it('tells all mistakes at once', () => {
    expect(refusal(['top=ten', 'deep=yes', 'nte=x', 'note', 'note=a', 'note=b', '=x'])).toBe(
      [
        'inputs of x: 7 mistakes:',
        'top: must be a number, not "ten"',
        'deep: must be true or false, not "yes"',
        'nte: unknown input; did you mean "note"?',
        '"note": must be name=value',
        'note: given twice',
        '"=x": must be name=value',
        'who: is missing; give it with --input who=…',
      ].join('\n  '),
    );
    expect(refusal(['x=1'], jobWith({}))).toBe('inputs of x: x: unknown input; this job has none');
  });

  it('takes for a number only what is one', () => {
    for (const text of ['', ' ', '0x10', 'Infinity', 'NaN', '1_000', '1e999'])
      expect(refusal(['who=a', `top=${text}`])).toContain('must be a number');
  });

  it('takes only what is within the limits that the job sets', () => {
    const job = jobWith({
      top: { type: 'number', min: 1, max: 50, integer: true },
      least: { type: 'number', min: 0.5 },
      how: { enum: ['fast', 'well'] },
      day: { pattern: String.raw`\d{4}-\d\d|today` },
      told: { pattern: 'a+', description: 'Some a.' },
    });
    expect(resolveInputs(job, ['top=50', 'least=0.5', 'how=well', 'day=today', 'told=aa'])).toMatchObject({ top: 50 });
    expect(refusal(['top=51', 'least=0', 'how=', 'day=today!', 'told=b'], job).split('\n  ').slice(1)).toEqual([
      'top: must be a whole number from 1 to 50, not "51"',
      'least: must be a number from 0.5 on, not "0"',
      'how: must be "fast" or "well", not ""',
      String.raw`day: must be text that matches "\\d{4}-\\d\\d|today", not "today!"`,
      'told: must be as described (Some a), not "b"',
    ]);
    for (const text of ['0', '1.5', '1e9']) expect(refusal([`top=${text}`], job)).toContain('from 1 to 50');
  });

  it('refuses limits that no value could keep, or of another type', () => {
    const issues = (input: object): string => {
      const steps = [{ tool: 'shell', input: { command: 'ls' } }];
      const rest = { name: 'x', description: 'd', domain: 'd', intent: 'i', steps };
      const checked = checkValue(jobSchema, { ...rest, inputs: { it: input } });
      return checked.ok ? 'ok' : checked.issues.map(({ path, message }) => `${String(path.at(-1))} ${message}`).join();
    };
    expect(issues({ type: 'number', min: 2, max: 1 })).toBe('min must not be above max (1)');
    expect(issues({ min: 1 })).toBe('min is a limit for an input of type number; this one is of type string');
    expect(issues({ pattern: '(' })).toBe('pattern is not a regular expression');
    expect(issues({ type: 'number', max: 5, default: 6 })).toContain('default must be a number up to 5');
    expect(issues({ enum: ['a'], default: 'a' })).toBe('ok');
  });

  it('is not fooled by names of the prototype', () => {
    expect(refusal(['who=a', 'constructor=1', '__proto__=1'])).toContain('constructor: unknown input');
  });
});
