// What a page sets up for its own loading after it has imported the package, as pages of TensorFlow.js do.
import * as tf from 'headwater';

const { heard } = window;
document.addEventListener('DOMContentLoaded', ({ type, target }) => heard.push(`${type} of ${target.nodeName}: ${tf.ones([2]).sum().dataSync()[0]}`));
addEventListener('DOMContentLoaded', { handleEvent: () => heard.push('window') });
window.addEventListener('load', () => heard.push('load'));
document.addEventListener('load', () => heard.push('never'));
window.onload = () => heard.push('onload');
document.addEventListener('click', () => heard.push('click'));

setTimeout(() => {
  document.addEventListener('DOMContentLoaded', () => heard.push('late'));
  document.body.click();
  setTimeout(() => (window.report = { heard, restored: !Object.hasOwn(document, 'addEventListener') && !Object.hasOwn(window, 'addEventListener') }), 50);
}, 300);
