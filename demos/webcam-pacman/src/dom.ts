/**
 * The element with this id.
 *
 * @throws if the page has no such element, or it is of another type than asked for.
 */
export function byId<T extends Element>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`The page lacks a ${type.name} with id "${id}".`);
  return element;
}

/** The first element within `parent` that matches; throws as {@link byId} does. */
export function within<T extends Element>(parent: ParentNode, selector: string, type: new () => T): T {
  const element = parent.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`The page lacks a ${type.name} "${selector}".`);
  return element;
}

/** A copy of the first element inside a `<template>`. */
export function fromTemplate(id: string): HTMLElement {
  const template = byId(id, HTMLTemplateElement);
  return within(template.content.cloneNode(true) as DocumentFragment, '*', HTMLElement);
}

/** Text with its first letter in upper case. */
export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Resolves at the next animation frame, or soon where frames do not come (a hidden page). */
export const nextFrame = (): Promise<void> =>
  new Promise((resolve) => {
    if (document.hidden) setTimeout(resolve, 200);
    else requestAnimationFrame(() => resolve());
  });
