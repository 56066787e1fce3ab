/** Owns the list of all settings, read off the schema: path, environment variable, default, description. */
import type { z } from 'zod';

type AnySchema = z.core.$ZodType;

export interface SettingInfo {
  /** `['bus', 'segmentBytes']` */
  readonly path: readonly string[];
  /** `NIKA_BUS_SEGMENT_BYTES` */
  readonly env: string;
  /** What a value of it is: `number`, `boolean`, `string`, or another kind of the schema. */
  readonly type: string;
  /** As it would stand in the file; `undefined`: there is none. */
  readonly fallback: unknown;
  /** For settings without a value of their own. */
  readonly example: unknown;
  readonly description: string;
}

interface Unwrapped {
  readonly inner: AnySchema;
  readonly fallback: unknown;
}

/** The schema below `.optional()`, `.prefault()` and `.transform()`. */
export const unwrapSchema = (schema: AnySchema): Unwrapped => {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'prefault':
    case 'default':
      return { inner: unwrapSchema(def.innerType).inner, fallback: def.defaultValue };
    case 'optional':
      return unwrapSchema(def.innerType);
    case 'pipe':
      return unwrapSchema(def.in);
    default:
      return { inner: schema, fallback: undefined };
  }
};

/** The fields of an object's schema; `undefined`: it is none. */
export const shapeOf = (schema: AnySchema): Readonly<Record<string, AnySchema>> | undefined => {
  const { def } = (unwrapSchema(schema).inner as z.core.$ZodTypes)._zod;
  return def.type === 'object' ? def.shape : undefined;
};

const envName = (path: readonly string[]): string =>
  `NIKA_${path.map((part) => part.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).join('_')}`;

/** The description that `.describe()` gave. */
export const descriptionOf = (schema: AnySchema): string => (schema as z.ZodType).description ?? '';

export const listSettings = (schema: AnySchema, above: readonly string[] = []): readonly SettingInfo[] =>
  Object.entries(shapeOf(schema) ?? {}).flatMap(([key, field]) => {
    const path = [...above, key];
    if (shapeOf(field) !== undefined) return listSettings(field, path);
    const [example] = ((field as z.ZodType).meta()?.['examples'] as readonly unknown[]) ?? [];
    const { inner, fallback } = unwrapSchema(field);
    const { type } = (inner as z.core.$ZodTypes)._zod.def;
    return [{ path, env: envName(path), type, fallback, example, description: descriptionOf(field) }];
  });
