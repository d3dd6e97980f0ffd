import type { Json } from '@lazarus/core/ports';

/** Widest line before a value is written over several lines. */
const WIDTH = 100;

/** JSON as YAML that people read: short values on one line, quotes only where they are needed. */
export function toYaml(value: Json, indent = 0): string {
  const pad = ' '.repeat(indent);
  if (Array.isArray(value) && value.length > 0) {
    return value
      .map((item: Json) => {
        const short = flow(item);
        if (short.length + indent < WIDTH && !isWide(item)) return `${pad}- ${short}`;
        return `${pad}- ${toYaml(item, indent + 2).trimStart()}`;
      })
      .join('\n');
  }
  if (isMap(value)) {
    return Object.entries(value)
      .map(([key, item]) => {
        const short = flow(item);
        const head = `${pad}${scalar(key)}:`;
        if (head.length + short.length < WIDTH && !isWide(item)) return `${head} ${short}`;
        return `${head}\n${toYaml(item, indent + 2)}`;
      })
      .join('\n');
  }
  return `${pad}${flow(value)}`;
}

/** A map of maps reads better over several lines, however short it is. */
function isWide(value: Json): boolean {
  return isMap(value) && Object.values(value).some((item) => isMap(item) && Object.keys(item).length > 1);
}

function isMap(value: Json): value is Readonly<Record<string, Json>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
  );
}

function flow(value: Json): string {
  if (Array.isArray(value))
    return value.length === 0 ? '[]' : `[${value.map((item: Json) => flow(item)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => `${scalar(key)}: ${flow(item)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  return typeof value === 'string' ? scalar(value) : JSON.stringify(value);
}

/** Plain when no reader of YAML could take it for anything but this text. */
function scalar(text: string): string {
  const isPlain = /^[A-Za-z_][\w./-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return isPlain || /^\d+[smh]$|^\d+\/\d+$/.test(text) ? text : JSON.stringify(text);
}
