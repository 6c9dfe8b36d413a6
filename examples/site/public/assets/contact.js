const form = document.getElementById('question-form');
const error = document.getElementById('question-error');

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const question = form.elements.question.value.trim();
  error.hidden = question !== '';
  if (question === '') return;
  form.hidden = true;
  document.getElementById('question-done').hidden = false;
});
