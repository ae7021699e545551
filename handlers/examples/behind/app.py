"""A guest book. Pages, forms, session and files are as they were; the sockets are Hipflask's now.

    HIPFLASK_SECRET_KEY=... PORT=8000 python3 app.py
"""
import os

from flask import Flask, flash, redirect, render_template, request, session, url_for

app = Flask(__name__)
app.secret_key = os.environ['HIPFLASK_SECRET_KEY']  # Hipflask reads the session with it
app.config.update(SESSION_COOKIE_SAMESITE='Lax', MAX_CONTENT_LENGTH=16 * 1024)

MOST_ENTRIES = 100
entries = []


@app.get('/')
def index():
    return render_template('index.html', entries=entries, name=session.get('name', ''))


@app.post('/sign')
def sign():
    name, text = (' '.join(request.form.get(field, '').split()) for field in ('name', 'text'))
    if not 0 < len(name) <= 30 or not 0 < len(text) <= 500:
        flash('A name has 1 to 30 characters, a text 1 to 500.', 'problem')
    else:
        session['name'] = name
        entries.append({'name': name, 'text': text})
        del entries[:-MOST_ENTRIES]
        flash('Thank you, %s.' % name, 'signed')
    return redirect(url_for('index'), code=303)


if __name__ == '__main__':
    app.run(port=int(os.environ.get('PORT', '8000')))
