import { parseDuration } from '@lazarus/core/documents';
import type { Json } from '@lazarus/core/ports';
import type { InputDefinition } from './workflow-definition.ts';

/** Whether a value is one that an input of the type takes, as a default or from a rule. */
export function isOfInputType(value: Json, type: InputDefinition['type']): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'duration':
      return typeof value === 'string' && parseDuration(value) !== undefined;
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'integer':
      return Number.isSafeInteger(value);
    case 'boolean':
      return typeof value === 'boolean';
  }
}
