/** `tf.serialization`: classes by name. */

import { coded } from './types.js';

/** What can be written as a configuration and made of one. */
export abstract class Serializable {
  getClassName(): string {
    return (this.constructor as unknown as { className: string }).className;
  }
  abstract getConfig(): Record<string, unknown>;
  static fromConfig(cls: new (config: any) => unknown, config: Record<string, unknown>): unknown {
    return new cls(config);
  }
}

export type Constructor = { new (...args: any[]): any; className: string; fromConfig?: (...args: any[]) => any };

/** Classes by the names they are stored under. */
export class SerializationMap {
  private static instance: SerializationMap | null = null;
  readonly classNameMap: Record<string, [Constructor, unknown]> = {};

  static getMap(): SerializationMap {
    return (this.instance ??= new SerializationMap());
  }

  static register(cls: Constructor): void {
    this.getMap().classNameMap[cls.className] = [cls, cls.fromConfig];
  }
}

const names = new Map<Constructor, string>();

/** Makes a class known by its `className`: layers that a stored model names are made of it. */
export function registerClass(cls: Constructor, pkg = 'Custom', name?: string): Constructor {
  const { className } = cls;
  if (className === undefined || className === null) throw coded('argument', 'Class being registered does not have the static className property defined.');
  if (typeof className !== 'string') throw coded('argument', `className is required to be a string, but got type ${typeof className}`);
  if (className === '') throw coded('argument', 'Class being registered has an empty-string as its className, which is disallowed.');
  names.set(cls, `${pkg}>${name ?? className}`);
  SerializationMap.register(cls);
  return cls;
}

export const getRegisteredName = (cls: Constructor): string => names.get(cls) ?? cls.className;
