import { useState, type FormEvent } from 'react';
import { useNavigate } from 'react-router';
import { useTasks } from '../state/tasks';

interface Errors { title?: string; note?: string }

export function NewTask() {
  const { dispatch } = useTasks();
  const navigate = useNavigate();
  const [title, setTitle] = useState('');
  const [note, setNote] = useState('');
  const [errors, setErrors] = useState<Errors>({});

  function submit(event: FormEvent) {
    event.preventDefault();
    const found: Errors = {};
    if (title.trim() === '') found.title = 'A task needs a title.';
    else if (title.trim().length < 3) found.title = 'That title is too short.';
    if (note.length > 140) found.note = 'Keep the note under 140 characters.';
    setErrors(found);
    if (Object.keys(found).length > 0) return;
    dispatch({ type: 'add', title: title.trim(), note });
    navigate('/');
  }

  return (
    <>
      <h1>New task</h1>
      <form onSubmit={submit} noValidate>
        <p>
          <label htmlFor="title">Title</label>
          <input id="title" value={title} onChange={(event) => setTitle(event.target.value)} aria-invalid={Boolean(errors.title)} aria-describedby="title-error" />
          {errors.title && <span id="title-error" role="alert">{errors.title}</span>}
        </p>
        <p>
          <label htmlFor="note">Note</label>
          <textarea id="note" value={note} onChange={(event) => setNote(event.target.value)} />
          {errors.note && <span role="alert">{errors.note}</span>}
        </p>
        <button type="submit">Add task</button>
        <button type="button" onClick={() => navigate(-1)}>Back</button>
      </form>
    </>
  );
}
