import { byId } from './dom.js';

/** A button inside a message. */
export interface MessageAction {
  readonly label: string;
  readonly run: () => void;
}

const list = byId('messages', HTMLDivElement);
const statusLine = byId('status', HTMLParagraphElement);

/** Says what goes on; screen readers hear it when they are done with what they say. */
export function setStatus(text: string): void {
  if (statusLine.textContent !== text) statusLine.textContent = text;
}

/**
 * Shows a message that stays until it is dismissed or replaced by one of the same `topic`. Errors
 * interrupt a screen reader, notes do not.
 */
export function showMessage(
  topic: string,
  kind: 'error' | 'note',
  text: string,
  action?: MessageAction,
): void {
  const shown = list.querySelector(`[data-topic="${topic}"]`);
  // The same once more is not news to a screen reader.
  if (shown?.querySelector('p')?.textContent === text) return;
  shown?.remove();
  const message = document.createElement('div');
  message.className = `message ${kind}`;
  message.dataset['topic'] = topic;
  message.setAttribute('role', kind === 'error' ? 'alert' : 'status');

  const body = document.createElement('p');
  body.textContent = text;
  message.append(body);
  if (action !== undefined) {
    message.append(
      button(action.label, 'primary', () => {
        clearMessage(topic);
        action.run();
      }),
    );
  }
  const close = button('×', 'dismiss', () => message.remove());
  close.setAttribute('aria-label', 'Dismiss this message');
  message.append(close);
  list.append(message);
}

/** Takes back the message about `topic`, if one is shown. */
export function clearMessage(topic: string): void {
  list.querySelector(`[data-topic="${topic}"]`)?.remove();
}

function button(label: string, className: string, run: () => void): HTMLButtonElement {
  const element = document.createElement('button');
  element.type = 'button';
  element.className = className;
  element.textContent = label;
  element.addEventListener('click', run);
  return element;
}
