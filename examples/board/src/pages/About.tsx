import { Link } from 'react-router';

const questions = [
  { ask: 'Where are my tasks kept?', answer: 'In this tab, and nowhere else.' },
  { ask: 'Can I share a board?', answer: 'Not yet.' },
];

export function About() {
  return (
    <>
      <h1>About</h1>
      {questions.map(({ ask, answer }) => (
        <details key={ask}>
          <summary>{ask}</summary>
          <p>{answer}</p>
        </details>
      ))}
      <p>Ready? <Link to="/tasks/new">Write the first task</Link></p>
    </>
  );
}
