/**
 * Owns what makes a job file right beyond its form: inputs that fit their tools, templates that can be read, and
 * references to what is there by then. All of it is looked at even where the form is wrong, so that one check tells all.
 */
import { referencesOf, type Reference, SCOPE_FIELDS, STEP_FIELDS, statusCallIn } from '../expression/evaluate.ts';
import type { Expression, ExpressionProblem } from '../expression/expression.ts';
import { checkValue, type FieldIssue, fieldName } from '../yaml/field-issue.ts';
import { type Frozen, frozen } from '../frozen.ts';
import { OF_AGENT } from './agent-fields.ts';
import { isJobName, type Job, JOB_NAME_WANTED, jobSchema, RUNNERS } from './job.ts';
import { suggestion } from '../yaml/nearest.ts';
import { type Problem, problemAt, sortProblems } from '../yaml/problem.ts';
import { shellRefusals } from '../expression/shell-quote.ts';
import { isTemplate, parseCondition, parseTemplate, TEMPLATE_OPEN } from '../expression/template.ts';
import { isToolName, TOOL_INPUT_SCHEMAS } from './tool-inputs.ts';
import type { Yaml } from '../yaml/yaml-file.ts';

export type JobOutcome =
  | { readonly ok: true; readonly job: Job }
  | { readonly ok: false; readonly problems: readonly Problem[] };

type Path = readonly PropertyKey[];
type Tree = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 64;
/** Rendered once, at the start, from what is known then. */
const AT_START: readonly string[] = [
  'project',
  'domain',
  'intent',
  'role',
  'tags',
  'cwd',
  'env',
  'worktree',
  'timeout',
  'retry',
  'limits',
];
/** Rendered when the attempt begins. */
const OF_RUNNER: readonly string[] = ['module', 'command', 'stdin', ...OF_AGENT];
const IN_STEP: readonly string[] = ['name', 'input', 'continue_on_error', 'timeout'];

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
const treeOf = (value: unknown): Tree => (isTree(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((above, part) => (above as Record<PropertyKey, unknown> | null | undefined)?.[part], value);

/** What a template may reach for where it stands. */
interface Reach {
  readonly inputs: readonly string[];
  /** Ids of the steps that have a result by then; `undefined`: no step has. */
  readonly steps: readonly string[] | undefined;
  /** Ids of the steps that come later. */
  readonly later: readonly string[];
  readonly knowsCwd: boolean;
  readonly knowsStatus: boolean;
}

class JobCheck {
  readonly problems: Problem[] = [];
  readonly #yaml: Yaml;
  readonly #job: Tree;
  readonly #steps: readonly Tree[];
  readonly #ids: readonly (string | undefined)[];

  constructor(yaml: Yaml) {
    this.#yaml = yaml;
    this.#job = treeOf(yaml.value);
    this.#steps = listOf(this.#job['steps']).map(treeOf);
    this.#ids = this.#steps.map(({ id }) => (typeof id === 'string' ? id : undefined));
  }

  run(expectedName: string | undefined): void {
    const { name } = this.#job;
    if (expectedName !== undefined && !isJobName(expectedName)) {
      const message = `the name of the file cannot be that of a job, which ${JOB_NAME_WANTED}; rename it`;
      this.problems.push({ file: this.#yaml.file, field: '', message });
    } else if (expectedName !== undefined && typeof name === 'string' && name !== expectedName) {
      this.#tell({ path: ['name'], message: `must be the name of the file: ${expectedName}` });
    }
    for (const field of AT_START) this.#templates([field], this.#reach(0, { steps: undefined, knowsCwd: false }));
    this.#runners();
    for (const field of OF_RUNNER) this.#templates([field], this.#reach(0, { steps: undefined }));
    this.#commandLine(['command'], this.#job['command']);
    for (const [input, declared] of Object.entries(treeOf(this.#job['inputs']))) {
      if (!isTemplate(treeOf(declared)['default'])) continue;
      this.#tell({
        path: ['inputs', input, 'default'],
        message: 'is taken as it stands; a template is not possible here',
      });
    }
    for (const [index, step] of this.#steps.entries()) this.#step(step, index);
    this.#templates(['outputs'], this.#reach(this.#steps.length));
  }

  /** A job has exactly one way to do what it does. */
  #runners(): void {
    const [first, second] = RUNNERS.filter((runner) => this.#job[runner] !== undefined);
    if (first === undefined) {
      const message =
        'is missing; a job needs steps (a list of tool calls), module (a file), command (a program) or agent';
      this.#tell({ path: ['steps'], message });
    }
    if (second !== undefined) {
      this.#tell({ path: [second], isAboutKey: true, message: `a job has one of ${RUNNERS.join(', ')}` });
    }
    if (first === 'agent' && this.#job['prompt'] === undefined && this.#job['interactive'] !== true) {
      this.#tell({ path: ['prompt'], message: 'is missing: what the agent is asked, as text or as {file: <path>}' });
    }
    for (const [field, owner] of [
      ['outputs', 'steps'],
      ['stdin', 'command'],
      ...OF_AGENT.map((field) => [field, 'agent'] as const),
    ] as const) {
      if (this.#job[field] === undefined || first === undefined || first === owner) continue;
      this.#tell({ path: [field], isAboutKey: true, message: `belongs to "${owner}", not to "${first}"` });
    }
  }

  #tell({
    path,
    message,
    isAboutKey = false,
  }: Omit<FieldIssue, 'isAboutKey'> & { readonly isAboutKey?: boolean }): void {
    this.problems.push(problemAt(this.#yaml, { path, message, isAboutKey }));
  }

  /** Tells what is wrong at one character of a text. */
  #tellAt(path: Path, text: string, { message, at: offset }: ExpressionProblem): void {
    const mark = isTemplate(text) ? TEMPLATE_OPEN : '';
    const open = mark === '' ? 0 : Math.max(0, text.lastIndexOf(mark, offset));
    const nth = mark === '' ? 0 : text.slice(0, open).split(mark).length - 1;
    const position = this.#yaml.locateInText(path, { mark, nth, offset: offset - open });
    this.problems.push({ file: this.#yaml.file, ...position, field: fieldName(path), message });
  }

  #reach(stepIndex: number, more: Partial<Reach> = {}): Reach {
    return {
      inputs: Object.keys(treeOf(this.#job['inputs'])),
      steps: [...new Set(this.#ids.slice(0, stepIndex).filter((id) => id !== undefined))],
      later: this.#ids.slice(stepIndex).filter((id) => id !== undefined),
      knowsCwd: true,
      knowsStatus: false,
      ...more,
    };
  }

  #step(step: Tree, index: number): void {
    const path = ['steps', index];
    const { id, tool, input } = step;
    if (typeof id === 'string' && this.#ids.indexOf(id) < index) {
      this.#tell({
        path: [...path, 'id'],
        message: `steps[${this.#ids.indexOf(id)}] has the id "${id}" already; ids are unique`,
      });
    }
    for (const field of IN_STEP) this.#templates([...path, field], this.#reach(index));
    if (typeof step['if'] === 'string')
      this.#condition([...path, 'if'], step['if'], this.#reach(index, { knowsStatus: true }));
    if (!isToolName(tool) || !isTree(input)) return;
    const checked = checkValue(TOOL_INPUT_SCHEMAS[tool], input);
    for (const issue of checked.ok ? [] : checked.issues) {
      if (isTemplate(at(input, issue.path))) continue; // judged at the run
      this.#tell({ ...issue, path: [...path, 'input', ...issue.path] });
    }
    if (tool === 'shell') this.#commandLine([...path, 'input', 'command'], input['command']);
  }

  #condition(path: Path, condition: string, reach: Reach): void {
    const outcome = parseCondition(condition);
    if (outcome.ok) this.#expression(path, condition, outcome.expression, reach);
    else this.#tellAt(path, condition, outcome.problem);
  }

  /** Looks at every text at and below `path`. */
  #templates(path: Path, reach: Reach, depth = 0): void {
    const value = at(this.#job, path);
    if (depth > MAX_DEPTH) {
      this.#tell({ path, message: `nested too deeply; must be at most ${MAX_DEPTH} levels` });
    } else if (typeof value === 'string') {
      this.#template(path, value, reach);
    } else if (Array.isArray(value)) {
      for (const index of value.keys()) this.#templates([...path, index], reach, depth + 1);
    } else if (isTree(value)) {
      for (const key of Object.keys(value)) {
        if (isTemplate(key))
          this.#tell({ path: [...path, key], isAboutKey: true, message: 'a name of a field cannot be a template' });
        this.#templates([...path, key], reach, depth + 1);
      }
    }
  }

  #template(path: Path, text: string, reach: Reach): void {
    if (!isTemplate(text)) return;
    const outcome = parseTemplate(text);
    if (!outcome.ok) return this.#tellAt(path, text, outcome.problem);
    for (const { expression } of outcome.template.holes) this.#expression(path, text, expression, reach);
  }

  #commandLine(path: Path, command: unknown): void {
    const outcome = isTemplate(command) ? parseTemplate(command) : undefined;
    if (outcome?.ok !== true || typeof command !== 'string') return;
    for (const [index, message] of shellRefusals(outcome.template.texts).entries()) {
      const hole = outcome.template.holes[index];
      if (message !== undefined && hole !== undefined) this.#tellAt(path, command, { message, at: hole.at });
    }
  }

  #expression(path: Path, text: string, expression: Expression, reach: Reach): void {
    const status = reach.knowsStatus ? undefined : statusCallIn(expression);
    if (status !== undefined)
      this.#tellAt(path, text, { message: `${status.name}() is possible in "if" only`, at: status.at });
    for (const reference of referencesOf(expression)) {
      const problem = referenceProblem(reference, reach);
      if (problem !== undefined) this.#tellAt(path, text, problem);
    }
  }
}

const unknown = (what: string, name: string | number | null, known: readonly string[]): string =>
  `${what} "${name}"; ${suggestion(String(name), known) || 'there are none'}`;

const referenceProblem = ({ path, at: offsets }: Reference, reach: Reach): ExpressionProblem | undefined => {
  const [root, first, second] = path;
  const wrong = (part: number, message: string): ExpressionProblem => ({ message, at: offsets[part] ?? 0 });
  if (typeof root !== 'string' || !Object.hasOwn(SCOPE_FIELDS, root)) {
    return wrong(0, unknown('unknown name', root ?? null, Object.keys(SCOPE_FIELDS)));
  }
  if (root === 'steps') return stepProblem(path, offsets, reach);
  if (first === undefined || first === null || second === null) return undefined; // known at the run only
  if (root === 'inputs') {
    return reach.inputs.includes(String(first)) ? undefined : wrong(1, unknown('unknown input', first, reach.inputs));
  }
  const fields = SCOPE_FIELDS[root as keyof typeof SCOPE_FIELDS];
  if (fields !== undefined && !fields.includes(String(first)))
    return wrong(1, unknown(`unknown: ${root}`, first, fields));
  if (root === 'job' && first === 'cwd' && !reach.knowsCwd)
    return wrong(1, 'job.cwd is not known yet here; steps can use it');
  return undefined;
};

const stepProblem = (
  path: Reference['path'],
  offsets: Reference['at'],
  reach: Reach,
): ExpressionProblem | undefined => {
  const [, id, field] = path;
  const wrong = (part: number, message: string): ExpressionProblem => ({
    message,
    at: offsets[part] ?? offsets[0] ?? 0,
  });
  if (reach.steps === undefined) return wrong(0, 'no step has a result yet here');
  if (id === undefined || id === null) return undefined; // known at the run only
  if (reach.later.includes(String(id)) && !reach.steps.includes(String(id))) {
    return wrong(1, `step "${id}" has no result yet here; only earlier steps have`);
  }
  if (!reach.steps.includes(String(id))) return wrong(1, unknown('no earlier step has the id', id, reach.steps));
  if (field === undefined || field === null || STEP_FIELDS.some((known) => known === field)) return undefined;
  return wrong(2, unknown('a step has no', field, STEP_FIELDS));
};

/**
 * A file's value as a job, or all that is wrong with it, in the order of the file. Never throws.
 * `expectedName`: what the job must be called, where its file is found by name.
 */
export const checkJob = (yaml: Yaml, expectedName?: string): JobOutcome => {
  if (yaml.value === null || yaml.value === undefined) {
    const message =
      'is empty; a job has name, description, domain, intent and steps (or a module, a command, an agent)';
    return { ok: false, problems: [{ file: yaml.file, field: '', message }] };
  }
  const checked = checkValue(jobSchema, yaml.value);
  const check = new JobCheck(yaml);
  check.run(expectedName);
  const ofForm = checked.ok ? [] : checked.issues.map((issue) => problemAt(yaml, issue));
  const problems = sortProblems([...ofForm, ...check.problems]);
  return checked.ok && problems.length === 0
    ? { ok: true, job: frozen(checked.value) satisfies Frozen<Job> }
    : { ok: false, problems };
};
